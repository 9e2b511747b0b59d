import type { Octokit } from "@octokit/rest";
import { SelfExtensionError } from "./errors.ts";
import { readBlobs, type GitIdentity, type Mirror, type TreeChange } from "./git/mirror.ts";

/** A commit as it has to be on the repository host, byte for byte. */
export interface NewCommit {
  readonly sha: string;
  readonly tree: string;
  readonly baseTree: string;
  readonly parent: string;
  readonly identity: GitIdentity;
  readonly date: Date;
  readonly message: string;
  readonly changes: readonly TreeChange[];
}

/** Uploads the blobs and the tree of a commit; a host that answers other SHAs is refused. */
export async function uploadTree(
  octokit: Octokit,
  at: { owner: string; repo: string },
  mirror: Mirror,
  commit: NewCommit,
): Promise<string> {
  const written = commit.changes.flatMap(({ newSha }) => (newSha === null ? [] : [newSha]));
  const blobs = await readBlobs(mirror, written);
  for (const [sha, content] of blobs) {
    const { data } = await octokit.rest.git.createBlob({
      ...at,
      content: content.toString("base64"),
      encoding: "base64",
    });
    if (data.sha !== sha) {
      throw new SelfExtensionError(
        "github-unexpected",
        `the host stored blob ${data.sha}, expected ${sha}`,
      );
    }
  }
  const { data } = await octokit.rest.git.createTree({
    ...at,
    base_tree: commit.baseTree,
    tree: commit.changes.map(({ path, newMode, newSha, oldMode }) => ({
      path,
      mode:
        newMode === "100755" || (newMode === null && oldMode === "100755") ? "100755" : "100644",
      type: "blob" as const,
      sha: newSha,
    })),
  });
  if (data.sha !== commit.tree) {
    throw new SelfExtensionError(
      "github-unexpected",
      `the host made tree ${data.sha}, expected ${commit.tree}`,
    );
  }
  return data.sha;
}
