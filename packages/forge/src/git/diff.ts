import type { Git } from "./git.ts";
import type { Sha } from "./names.ts";

type FileStatus = "added" | "removed" | "modified" | "renamed" | "copied" | "changed";

export interface FileChange {
  filename: string;
  previousFilename: string | undefined;
  status: FileStatus;
  /** Of the new content, or of the old one for a removed file. */
  sha: Sha;
  additions: number;
  deletions: number;
  /** From the first `@@` on; undefined for binary files and pure renames. */
  patch: string | undefined;
}

// The empty tree, which git knows without having it stored.
export const EMPTY_TREE: Sha = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

const STATUS: Readonly<Record<string, FileStatus>> = {
  A: "added",
  D: "removed",
  M: "modified",
  R: "renamed",
  C: "copied",
  T: "changed",
};

// No filter, driver or colour that somebody configured may stand between an object and its diff.
const PLAIN = ["-r", "-M", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color"];

export async function diffFiles(git: Git, from: Sha, to: Sha): Promise<FileChange[]> {
  if (from === to) return [];
  const wanted = ["-z", "--raw", "--numstat", "-p"];
  const output = await git.known(["diff-tree", ...PLAIN, ...wanted, from, to]);
  // An empty field, which no summary holds, is before the patch.
  const end = output.indexOf("\0\0");
  const [summary, patch] =
    end === -1 ? [output, ""] : [output.slice(0, end), output.slice(end + 2)];
  const sections = patch
    .split(/^(?=diff --git )/mu)
    .filter((part) => part.startsWith("diff --git "));
  const { raw, counts } = parseSummary(summary);
  return raw.map((file, index) => {
    // A changed file type is written as a removal followed by an addition.
    const taken = sections.splice(0, file.status === "changed" ? 2 : 1).join("");
    const hunk = taken.search(/^@@ /mu);
    return {
      ...file,
      additions: counts[index]?.additions ?? 0,
      deletions: counts[index]?.deletions ?? 0,
      patch: hunk === -1 ? undefined : taken.slice(hunk).replace(/\n$/u, ""),
    };
  });
}

export function diffText(git: Git, from: Sha, to: Sha): Promise<string> {
  return git
    .run(["diff-tree", ...PLAIN, "-p", from, to])
    .then(({ stdout }) => stdout.toString("utf8"));
}

/** One mail per commit, as GitHub's `.patch` gives. */
export function patchText(git: Git, from: Sha, to: Sha): Promise<string> {
  return git
    .run(["format-patch", "--stdout", "--no-signature", ...PLAIN.slice(1), `${from}..${to}`])
    .then(({ stdout }) => stdout.toString("utf8"));
}

type RawChange = Omit<FileChange, "additions" | "deletions" | "patch">;

function parseSummary(summary: string): {
  raw: RawChange[];
  counts: { additions: number; deletions: number }[];
} {
  const fields = summary.split("\0");
  const raw: RawChange[] = [];
  const counts: { additions: number; deletions: number }[] = [];
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index] ?? "";
    if (field.startsWith(":")) {
      const [, , oldSha = "", newSha = "", letter = "M"] = field.split(" ");
      const status = STATUS[letter.charAt(0)] ?? "modified";
      const first = fields[(index += 1)] ?? "";
      const moved = status === "renamed" || status === "copied";
      raw.push({
        filename: moved ? (fields[(index += 1)] ?? "") : first,
        previousFilename: moved ? first : undefined,
        status,
        sha: status === "removed" ? oldSha : newSha,
      });
    } else if (field !== "") {
      const [additions, deletions, path] = field.split("\t");
      // Binary files are counted as "-".
      counts.push({ additions: Number(additions) || 0, deletions: Number(deletions) || 0 });
      if (path === "") index += 2;
    }
  }
  return { raw, counts };
}
