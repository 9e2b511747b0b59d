import {
  eachInTurn,
  promotionFence,
  promotionRemote,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";

/** A host with many open pull requests is served over several looks. */
const MOST_AT_ONCE = 20;

/**
 * Heads that Jarvis did not open are never fenced: what a person merges is no promotion. Answers a
 * look for such heads among the open pull requests. A commit of ours stays ours under any branch.
 */
export function letOthersPass(world: PipelineWorld): () => Promise<void> {
  const known = new Set<string>();
  const failed = new Set<string>();
  return async () => {
    const { octokit, owner, repo } = world.github;
    const heads = (await promotionRemote(world.github).openPullRequests()).filter(
      ({ sha, isOurs }) => !isOurs && !known.has(sha),
    );
    // One that fails waits behind the others the next time.
    const fresh = heads.filter(({ sha }) => !failed.has(sha));
    const turn = [...fresh, ...heads.filter(({ sha }) => failed.has(sha))].slice(0, MOST_AT_ONCE);
    await eachInTurn(turn, async ({ sha }) => {
      failed.add(sha);
      const { data } = await octokit.rest.git.getCommit({ owner, repo, commit_sha: sha });
      if (!/^Jarvis-Run: /m.test(data.message)) {
        await promotionFence(world.github).exempt(sha, "Not a promotion of Jarvis");
      }
      failed.delete(sha);
      known.add(sha);
    });
  };
}
