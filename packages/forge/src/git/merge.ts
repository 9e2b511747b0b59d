import { formatCommit, parseCommit, type Commit, type Signature } from "./commit.ts";
import type { Git } from "./git.ts";
import type { Sha } from "./names.ts";
import type { ObjectStore } from "./objects.ts";

/** The tree of a three-way merge, or undefined when git alone cannot make it. */
export async function mergeTree(git: Git, ours: Sha, theirs: Sha): Promise<Sha | undefined> {
  // 1 is a conflict; above are histories without a common ancestor, which nobody can merge either.
  const { code, stdout } = await git.run(
    ["merge-tree", "--write-tree", "--no-messages", ours, theirs],
    { okCodes: [1, 128] },
  );
  return code === 0 ? stdout.toString("utf8").slice(0, 40) : undefined;
}

/**
 * Replays commits one by one on `onto` and answers the new tip, or undefined at the first conflict.
 * Authors and messages stay, the committer is new, as after GitHub's "rebase and merge".
 */
export async function replay(
  git: Git,
  objects: ObjectStore,
  commits: readonly Commit[],
  options: { onto: Sha; committer: Signature },
): Promise<Sha | undefined> {
  let tip = options.onto;
  for (const commit of commits) {
    const tree = await pickTree(git, objects, commit, tip);
    if (tree === undefined) return undefined;
    tip = await objects.write(
      "commit",
      formatCommit({ ...commit, tree, parents: [tip], committer: options.committer }),
    );
  }
  return tip;
}

/**
 * The tree of `commit`'s change applied to `onto`. Before git 2.40 merge-tree chooses the merge base
 * itself, so it is given a commit with our tree whose parent is the one wanted as base.
 */
async function pickTree(
  git: Git,
  objects: ObjectStore,
  commit: Commit,
  onto: Sha,
): Promise<Sha | undefined> {
  const ours = await objects.read(onto);
  if (ours === undefined) return undefined;
  const carrier = await objects.write(
    "commit",
    formatCommit({ ...parseCommit(ours), parents: commit.parents.slice(0, 1), message: "carrier" }),
  );
  return mergeTree(git, carrier, commit.sha);
}
