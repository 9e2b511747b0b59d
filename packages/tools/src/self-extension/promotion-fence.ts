import type { FenceState } from "./pause-answer.ts";
import { connectionProblem, HostUnfit, statusOf } from "./host-problem.ts";
import { once } from "./once.ts";
import type { GitHubTarget } from "./pipeline-world.ts";
import { promotionRemote } from "./promotion-remote.ts";
import { FENCE_STATUS_CONTEXT } from "./run-result.ts";

const MAX_DESCRIPTION = 140;

/** The status that a head needs to land, written by the holder of the open intent and by nobody else. */
export type PromotionFence = ReturnType<typeof promotionFence>;

export function promotionFence(github: GitHubTarget) {
  const { octokit, owner, repo } = github;
  const at = { owner, repo };
  const remote = promotionRemote(github);

  /** The newest status of the context on a commit; null where it has none. */
  async function read(sha: string): Promise<string | null> {
    return (await remote.newestStatus(sha, FENCE_STATUS_CONTEXT))?.state ?? null;
  }

  async function write(sha: string, state: "success" | "failure", why: string): Promise<void> {
    await octokit.rest.repos.createCommitStatus({
      ...at,
      sha,
      state,
      context: FENCE_STATUS_CONTEXT,
      description: why.slice(0, MAX_DESCRIPTION),
    });
  }

  return {
    /** What the base's protection and rulesets say now. */
    async state(): Promise<FenceState> {
      const protection = await remote.readProtection();
      if (protection === undefined) return "unknown";
      return protection.ofEverybody.includes(FENCE_STATUS_CONTEXT) ? "enforced" : "none";
    },

    /**
     * Lets the head land, as far as the host is concerned. The request is sent once: one that went
     * astray could arrive after the fence was closed again. Throws what the host answered.
     */
    async open(sha: string, why: string): Promise<void> {
      if ((await read(sha)) === "success") return;
      try {
        await write(sha, "success", why);
      } catch (error) {
        const status = statusOf(error);
        const isUnknown = (status === null || status >= 500) && connectionProblem(error) !== null;
        if (isUnknown && (await read(sha)) === "success") return;
        throw error;
      }
    },

    /** Whether the head's newest status lets it land. */
    async isOpen(sha: string): Promise<boolean> {
      return (await read(sha)) === "success";
    },

    /**
     * Keeps the head from landing, and reads that back. A head that was never let stays untouched.
     * @throws HostUnfit where it reads something else: whoever waits for it looks again
     */
    async close(sha: string, why: string): Promise<void> {
      await once({
        find: async () => ((await read(sha)) === "success" ? null : true),
        make: async () => {
          await write(sha, "failure", why);
          return true;
        },
      });
      if ((await read(sha)) !== "success") return;
      // An opening that went astray has arrived in between, or somebody else writes with our credentials.
      const detail = `The status ${FENCE_STATUS_CONTEXT} of ${sha} is success again after it was set to failure.`;
      throw new HostUnfit({ reason: "github-not-connected", detail, retryAt: null });
    },

    /** What is no forward promotion of ours is never fenced: heads of others, and reverts. */
    async exempt(sha: string, why: string): Promise<void> {
      await once({
        find: async () => ((await read(sha)) === "success" ? true : null),
        make: async () => {
          await write(sha, "success", why);
          return true;
        },
      });
    },
  };
}
