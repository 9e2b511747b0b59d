import { anchorIn, readTreeHead, type Anchor, type StoredCheckpoint } from "@jarvis/ledger";
import { SelfExtensionError } from "./errors.ts";
import { statusOf } from "./host-problem.ts";
import type { GitHubTarget } from "./pipeline-world.ts";

/** Where the newest checkpoint lies on the host: a history of its own, a commit for each. */
export const CHECKPOINT_REF = "refs/jarvis/checkpoints";

const ref = CHECKPOINT_REF.slice("refs/".length);

export interface PushedCheckpoint {
  /** The checkpoint that the host holds now. */
  readonly anchor: Anchor;
  readonly pushed: boolean;
}

/**
 * Puts a checkpoint on the host, on top of the ones before it. The ref only ever moves forward, so
 * that two kernels with different histories of one ledger cannot both be there. One that the host
 * holds already, or a larger one, is left, unless the ledger has given that one up.
 */
export async function pushCheckpoint(
  { octokit, owner, repo }: Pick<GitHubTarget, "octokit" | "owner" | "repo">,
  checkpoint: StoredCheckpoint,
  keys: readonly string[],
  isGivenUp: (checkpoint: Anchor) => boolean = () => false,
): Promise<PushedCheckpoint> {
  const at = { owner, repo };
  const there = await readPushed({ octokit, owner, repo });
  const { size, origin } = readTreeHead(checkpoint.note);
  const isBehind = there !== null && there.anchor.origin === origin && there.anchor.size >= size;
  if (isBehind && !isGivenUp(there.anchor)) return { anchor: there.anchor, pushed: false };
  const { data: tree } = await octokit.rest.git.createTree({
    ...at,
    tree: [
      { path: "checkpoint", mode: "100644", type: "blob", content: checkpoint.note },
      { path: "keys", mode: "100644", type: "blob", content: `${keys.join("\n")}\n` },
    ],
  });
  const { data: commit } = await octokit.rest.git.createCommit({
    ...at,
    message: `Ledger checkpoint ${size}\n`,
    tree: tree.sha,
    parents: there === null ? [] : [there.commit],
  });
  if (there === null) {
    await octokit.rest.git.createRef({ ...at, ref: CHECKPOINT_REF, sha: commit.sha });
  } else {
    await octokit.rest.git.updateRef({ ...at, ref, sha: commit.sha, force: false });
  }
  return {
    anchor: anchorIn(checkpoint.note, `${CHECKPOINT_REF} ${commit.sha}`),
    pushed: true,
  };
}

/** The checkpoint that the host holds; null where there is none. Its signature is not looked at. */
export async function readPushed({
  octokit,
  owner,
  repo,
}: Pick<GitHubTarget, "octokit" | "owner" | "repo">): Promise<{
  anchor: Anchor;
  commit: string;
} | null> {
  const at = { owner, repo };
  const commit = await shaOfRef();
  if (commit === null) return null;
  const { data } = await octokit.rest.git.getCommit({ ...at, commit_sha: commit });
  const { data: tree } = await octokit.rest.git.getTree({ ...at, tree_sha: data.tree.sha });
  const blob = tree.tree.find(({ path }) => path === "checkpoint")?.sha;
  if (blob === undefined) {
    throw new SelfExtensionError(
      "malformed-event",
      `${CHECKPOINT_REF} on the repository host holds no checkpoint at ${commit}; remove the ref there.`,
    );
  }
  const { data: file } = await octokit.rest.git.getBlob({ ...at, file_sha: blob });
  const note = Buffer.from(file.content, "base64").toString("utf8");
  return { commit, anchor: anchorIn(note, `${CHECKPOINT_REF} ${commit}`) };

  async function shaOfRef(): Promise<string | null> {
    try {
      return (await octokit.rest.git.getRef({ ...at, ref })).data.object.sha;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }
}
