import { promotionFence, type PipelineWorld } from "@jarvis/tools/self-extension";

/** A host with many open pull requests is served over several looks. */
const MOST_AT_ONCE = 20;

/**
 * Heads that Jarvis did not open are never fenced: what a person merges is no promotion. Answers a
 * look for such heads among the open pull requests. A commit of ours stays ours under any branch.
 */
export function letOthersPass(world: PipelineWorld): () => Promise<void> {
  const known = new Set<string>();
  return async () => {
    const { octokit, owner, repo, baseBranch } = world.github;
    const pulls = await octokit.paginate(octokit.rest.pulls.list, {
      owner,
      repo,
      base: baseBranch,
      state: "open",
      per_page: 100,
    });
    const heads = pulls
      .filter(({ head }) => !known.has(head.sha))
      .filter(({ head }) => !(head.ref.startsWith("jarvis/") && head.user?.login === owner));
    for (const { head } of heads.slice(0, MOST_AT_ONCE)) {
      const { data } = await octokit.rest.git.getCommit({ owner, repo, commit_sha: head.sha });
      if (!/^Jarvis-Run: /m.test(data.message)) {
        await promotionFence(world.github).exempt(head.sha, "Not a promotion of Jarvis");
      }
      known.add(head.sha);
    }
  };
}
