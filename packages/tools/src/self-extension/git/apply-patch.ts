import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { SelfExtensionError } from "../errors.ts";
import { diffNow, sizesOf, type Mirror } from "./mirror.ts";
import { gitEnvironment, gitText, runGit, type GitOptions } from "./run-git.ts";

export type AppliedPatch =
  | { readonly applied: true; readonly tree: string }
  | {
      readonly applied: false;
      readonly because: "does-not-apply" | "patch-too-large";
      readonly message: string;
    };

/** By how much a patch may let a tree grow, however short it is. */
const GROWTH_BYTES = 64 * 2 ** 20;
/** Files and directories that it may add: each is made on disk for every stage. */
const GROWTH_ENTRIES = 20_000;
/** git holds all that a patch makes at once, and maps what it reads. */
const MEMORY_BYTES = 2 ** 30;
const SMALL_WINDOWS = [
  ["core.packedGitWindowSize", "32m"],
  ["core.packedGitLimit", "256m"],
] as const;

/**
 * Applies a git patch to a commit's tree inside the object store: an index of its own, no files on
 * disk, so nothing a patch names can be followed or overwritten. git itself refuses paths that leave
 * the tree, `.git` in any spelling and paths beyond a symbolic link; its words come back as `message`.
 *
 * A patch can copy one file of the base ten thousand times in a few hundred kilobytes. So it is tried
 * with a limit and an object store of its own first, and only what is of a bearable size is written
 * to the mirror, which keeps everything.
 */
export async function applyPatch(
  mirror: Mirror,
  commit: string,
  patch: Buffer,
): Promise<AppliedPatch> {
  const scratch = await mkdtemp(join(tmpdir(), "jarvis-index-"));
  try {
    const objects = join(scratch, "objects");
    await mkdir(objects);
    const env = { ...gitEnvironment(SMALL_WINDOWS), GIT_INDEX_FILE: join(scratch, "index") };
    const apart = {
      ...env,
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: join(mirror.gitDir, "objects"),
    };
    const trial = { gitDir: mirror.gitDir, env: apart };
    const tried = await applyIn(trial, commit, patch);
    if (!tried.applied) return tried;
    const excess = await whyTooLarge(trial, commit, tried.tree);
    if (excess !== null) return { applied: false, because: "patch-too-large", message: excess };
    return await applyIn({ gitDir: mirror.gitDir, env }, commit, patch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function applyIn(options: GitOptions, commit: string, patch: Buffer): Promise<AppliedPatch> {
  await runGit(["read-tree", `${commit}^{tree}`], options);
  const apply = { ...options, input: patch, memoryBytes: MEMORY_BYTES };
  const args = ["apply", "--cached", "--whitespace=nowarn", "-p1", "-"];
  const { exitCode, stderr } = await runGit(args, { ...apply, accept: [0, 1, 128] });
  if (exitCode === 0) return { applied: true, tree: await gitText(["write-tree"], options) };
  const message = stderr.trim().split("\n").slice(0, 3).join("; ");
  // git says with the same code that it refuses a patch and that memory, the disk or its store failed.
  const broke = /^fatal: |No space left on device/m.test(stderr) && (await isPatch(apply));
  if (broke && /out of memory|cannot allocate memory/i.test(stderr)) {
    const excess = `What the patch makes takes more than ${MEMORY_BYTES} bytes to apply.`;
    return { applied: false, because: "patch-too-large", message: excess };
  }
  if (broke)
    throw new SelfExtensionError("git-failed", `git apply ended with ${exitCode}: ${message}`);
  return { applied: false, because: "does-not-apply", message };
}

/** Whether git can read it, apart from what it is applied to. */
async function isPatch(options: GitOptions): Promise<boolean> {
  const { exitCode } = await runGit(["apply", "--numstat", "-"], {
    ...options,
    accept: [0, 1, 128],
  });
  return exitCode === 0;
}

/** Why a tree is more than a change may make of its base; null where it is not. */
async function whyTooLarge(
  options: GitOptions,
  commit: string,
  tree: string,
): Promise<string | null> {
  const changes = await diffNow(options, `${commit}^{tree}`, tree);
  const made = new Set<string>();
  for (const { path, oldMode } of changes) {
    if (oldMode !== null) continue;
    for (let at = path; at !== "." && !made.has(at); at = posix.dirname(at)) made.add(at);
    if (made.size > GROWTH_ENTRIES) {
      return `The patch adds more than ${GROWTH_ENTRIES} files and directories.`;
    }
  }
  const shas = changes.flatMap(({ oldSha, newSha }) => [oldSha, newSha]);
  const sizes = await sizesOf(
    options,
    shas.filter((sha) => sha !== null),
  );
  const sizeOf = (sha: string | null): number => sizes.get(sha ?? "") ?? 0;
  // Path by path, since each is a file on disk, whatever it shares with others in the store.
  const growth = changes.reduce(
    (sum, { oldSha, newSha }) => sum + sizeOf(newSha) - sizeOf(oldSha),
    0,
  );
  return growth > GROWTH_BYTES
    ? `The patch lets the files grow by ${growth} bytes; the limit is ${GROWTH_BYTES}.`
    : null;
}
