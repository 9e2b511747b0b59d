import { z } from "zod";
import type { BlockReason } from "./block-reasons.ts";
import { SelfExtensionError } from "./errors.ts";
import type { TreeChange } from "./git/mirror.ts";
import { hasHiddenControls } from "./text-fence.ts";

const shortText = z.string().max(200).nullable().default(null);

/** A change as it is handed in: a git patch and where it comes from. */
export const proposalInput = z.object({
  patch: z.string().min(1, "expected a git patch"),
  title: shortText,
  goal: z.string().max(2000).nullable().default(null),
  goalId: shortText,
  cycleId: shortText,
  subGoalId: shortText,
  toolName: shortText,
  toolCallId: shortText,
  actorSource: z.enum(["agent", "user", "system"]).default("user"),
  actor: z.string().min(1).max(200).default("operator"),
});
export type ProposalInput = z.infer<typeof proposalInput>;

/**
 * Parses a proposal. Throws `invalid-proposal` where the request itself cannot be understood: then
 * nothing is recorded. What is understood and not allowed is a reason instead, and is recorded.
 */
export function parseProposal(input: unknown): ProposalInput {
  const parsed = proposalInput.safeParse(input);
  if (!parsed.success) {
    const problem = parsed.error.issues[0];
    throw new SelfExtensionError(
      "invalid-proposal",
      `The proposal cannot be read: ${problem?.path.join(".") ?? "input"}: ${problem?.message ?? "unknown problem"}.`,
    );
  }
  if (!/^diff --git /m.test(parsed.data.patch)) {
    throw new SelfExtensionError(
      "invalid-proposal",
      "This is not a git patch: no line begins with `diff --git`; make one with `git diff` or `git format-patch`.",
    );
  }
  return parsed.data;
}

/** What a configuration allows a change to hold. */
export interface ContentLimits {
  readonly patchBytes: number;
  readonly allowBinary: boolean;
}

const SOURCE = /\.(?:[cm]?[jt]sx?|json|ya?ml|md|sql|sh|html|css)$/i;

export interface Refusal {
  readonly reason: BlockReason;
  readonly detail: string;
}

/**
 * What the text of a patch already says no to, before git reads it. Names come from the patch's own
 * headers, so this only makes the reason clear: what counts is `refuseChanges` on the tree that git
 * makes of it.
 */
export function refusePatchText(patch: string, limits: ContentLimits): Refusal[] {
  const size = Buffer.byteLength(patch);
  if (size > limits.patchBytes) {
    return [
      {
        reason: "patch-too-large",
        detail: `The patch has ${size} bytes; the limit is ${limits.patchBytes}.`,
      },
    ];
  }
  const refusals: Refusal[] = [];
  if (hasHiddenControls(patch)) {
    refusals.push({
      reason: "control-characters",
      detail: "The patch holds NUL, control or bidirectional control characters.",
    });
  }
  if (!limits.allowBinary && /^GIT binary patch$|^Binary files .* differ$/m.test(patch)) {
    refusals.push({ reason: "binary-change", detail: "The patch holds a binary file." });
  }
  for (const path of headerPaths(patch)) refusals.push(...refusePath(path));
  for (const [, mode] of patch.matchAll(/^(?:new file mode|new mode) (\d{6})$/gm)) {
    refusals.push(...refuseMode(mode ?? "", "a file of the patch"));
  }
  return dedupe(refusals);
}

/** What the tree says no to. `changes` is git's own account of what would land. */
export function refuseChanges(changes: readonly TreeChange[]): Refusal[] {
  const refusals: Refusal[] = [];
  if (changes.length === 0) {
    refusals.push({ reason: "empty-change", detail: "The patch leaves the tree as it is." });
  }
  for (const { path, oldMode, newMode } of changes) {
    refusals.push(...refusePath(path));
    for (const mode of [oldMode, newMode]) {
      if (mode !== null) refusals.push(...refuseMode(mode, path));
    }
  }
  return dedupe(refusals);
}

/** What a new or changed file's bytes say no to. */
export function refuseContent(
  path: string,
  content: Buffer,
  limits: Pick<ContentLimits, "allowBinary">,
): Refusal[] {
  const refusals: Refusal[] = [];
  const text = content.toString("utf8");
  if (content.includes(0) || !Buffer.from(text, "utf8").equals(content)) {
    // One odd byte must not take a source file out of the check for hidden characters.
    if (!limits.allowBinary || SOURCE.test(path)) {
      refusals.push({ reason: "binary-change", detail: `${path} is not UTF-8 text.` });
    }
  } else if (hasHiddenControls(text)) {
    refusals.push({
      reason: "control-characters",
      detail: `${path} holds control or bidirectional control characters.`,
    });
  }
  if (isAttributesFile(path) && /\b(filter|diff|merge|working-tree-encoding|ident)\b/.test(text)) {
    refusals.push({ reason: "attribute-filter", detail: `${path} names a filter or a driver.` });
  }
  return refusals;
}

const SHOWN_PATH = 300;
/** What a file system takes as a name, and as a path below any directory of ours. */
const NAME_BYTES = 255;
const PATH_BYTES = 1024;

function refusePath(path: string): Refusal[] {
  const refusals: Refusal[] = [];
  const segments = path.split("/");
  const shown = JSON.stringify(path.length > SHOWN_PATH ? `${path.slice(0, SHOWN_PATH)}…` : path);
  if (
    Buffer.byteLength(path) > PATH_BYTES ||
    segments.some((segment) => Buffer.byteLength(segment) > NAME_BYTES)
  ) {
    const detail = `${shown} is longer than a path may be: ${PATH_BYTES} bytes, ${NAME_BYTES} for each name.`;
    refusals.push({ reason: "patch-too-large", detail });
  }
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) {
    refusals.push({ reason: "absolute-path", detail: `${shown} is an absolute path.` });
  }
  if (path.includes("\\")) {
    refusals.push({ reason: "path-traversal", detail: `${shown} holds a backslash.` });
  }
  if (segments.some((segment) => segment === ".." || segment === ".")) {
    refusals.push({ reason: "path-traversal", detail: `${shown} leaves the repository.` });
  }
  if (segments.some((segment) => isGitDirectory(segment))) {
    refusals.push({ reason: "git-directory", detail: `${shown} lies in a git directory.` });
  }
  if (segments.some((segment) => /^(\.githooks|\.husky)$/i.test(segment))) {
    refusals.push({ reason: "git-hook", detail: `${shown} is where git hooks are kept.` });
  }
  if (segments.at(-1)?.toLowerCase() === ".gitmodules") {
    refusals.push({ reason: "submodule", detail: `${shown} declares submodules.` });
  }
  if (hasHiddenControls(path) || /[\t\n\r]/.test(path)) {
    refusals.push({ reason: "control-characters", detail: `${shown} holds control characters.` });
  }
  return refusals;
}

/**
 * `.git` as any file system of a reader might spell it: case, trailing dots and spaces, short names,
 * a stream of it. In linear time, since a name in a patch may be as long as the patch.
 */
function isGitDirectory(segment: string): boolean {
  const plain = segment
    .normalize("NFKC")
    .replaceAll(/[\u200b-\u200f\u2060-\u206f\ufeff]/gu, "")
    .toLowerCase()
    .replace(/:[^]*$/, "")
    .replace(/(?<![. ])[. ]+$/, "");
  return plain === ".git" || /^git~\d+$/.test(plain);
}

function refuseMode(mode: string, path: string): Refusal[] {
  if (mode === "120000") return [{ reason: "symlink", detail: `${path} is a symbolic link.` }];
  if (mode === "160000") return [{ reason: "submodule", detail: `${path} is a submodule.` }];
  if (mode !== "100644" && mode !== "100755") {
    return [{ reason: "file-mode", detail: `${path} has mode ${mode}.` }];
  }
  return [];
}

function isAttributesFile(path: string): boolean {
  return path.split("/").at(-1)?.toLowerCase() === ".gitattributes";
}

/** Paths named in the headers of a patch, unquoted, without the a/ and b/ of git. */
function headerPaths(patch: string): string[] {
  const paths: string[] = [];
  let inHunk = false;
  for (const line of patch.split("\n")) {
    if (line.startsWith("diff --git ")) inHunk = false;
    else if (line.startsWith("@@ ")) inHunk = true;
    if (inHunk) continue;
    const name = /^(?:--- |\+\+\+ |rename from |rename to |copy from |copy to )(.*?)\t?$/.exec(
      line,
    );
    if (name?.[1] === undefined || name[1] === "/dev/null") continue;
    const unquoted = unquote(name[1]);
    paths.push(/^(---|\+\+\+)/.test(line) ? unquoted.replace(/^[ab]\//, "") : unquoted);
  }
  return paths;
}

function unquote(name: string): string {
  if (!name.startsWith('"')) return name;
  return name
    .slice(1, -1)
    .replaceAll(/\\([0-3][0-7]{2}|.)/g, (_, code: string) =>
      /^[0-3][0-7]{2}$/.test(code)
        ? String.fromCodePoint(Number.parseInt(code, 8))
        : ({ n: "\n", t: "\t", r: "\r" }[code] ?? code),
    );
}

function dedupe(refusals: readonly Refusal[]): Refusal[] {
  const seen = new Map(refusals.map((refusal) => [`${refusal.reason} ${refusal.detail}`, refusal]));
  return [...seen.values()];
}
