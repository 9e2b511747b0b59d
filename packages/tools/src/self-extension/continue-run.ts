import { needsPerson, type BlockReason } from "./block-reasons.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { foldRun, type RunState } from "./run-state.ts";
import { whenGitHubAnswers } from "./github-client.ts";
import { promotionHead } from "./promotion-head.ts";
import { promotionRemote } from "./promotion-remote.ts";
import { loadStaged } from "./staged-change.ts";

export type Continuation =
  | { readonly kind: "continue"; readonly stagedSha: string }
  | { readonly kind: "stage-anew" }
  | { readonly kind: "unanswered"; readonly problem: string };

/**
 * Whether a run's evidence still counts: the change was verified on the base that stands now, or it
 * has landed and only the answer was lost. A run that landed must not be staged again, its own patch
 * would no longer apply; so where the host does not answer, the question stays open.
 */
export async function continueFromEvidence(
  world: PipelineWorld,
  runId: string,
): Promise<Continuation> {
  const state = foldRun(runId, await readRunEvents(world.db, runId));
  const { stagedSha, baseSha, evidenceDigest, testsPassed } = state;
  if (testsPassed !== true || stagedSha === null || evidenceDigest === null) {
    return { kind: "stage-anew" };
  }
  const change = await loadStaged(world, runId, stagedSha);
  const head = await promotionHead(world, change, evidenceDigest);
  const remote = promotionRemote(world.github);
  const stillCounts = await whenGitHubAnswers(
    async () => (await remote.readBase()) === baseSha || (await remote.landedAs(head.sha)) !== null,
  );
  if (!stillCounts.answered) return { kind: "unanswered", problem: stillCounts.problem };
  return stillCounts.value ? { kind: "continue", stagedSha } : { kind: "stage-anew" };
}

export interface ContinueFacts {
  readonly paused: boolean;
  readonly mode: "observe" | "execute";
  /** Whether a change that was promoted before is still watched. */
  readonly isWatching: boolean;
  readonly now: Date;
  /** When the run was parked. */
  readonly parkedAt: Date;
}

/** Reasons that nobody turns a switch for: the run looks again after a while, less and less often. */
const lookAgain: ReadonlySet<BlockReason> = new Set([
  "github-not-connected",
  "sandbox-unavailable",
  "status-missing",
  "status-pending",
  "base-unverified",
  "base-rewritten",
  "session-at-risk",
  "rollback-required",
]);

/** Whether a parked run may try again now. Pure. */
export function mayContinue(run: RunState, facts: ContinueFacts): boolean {
  const { blockReasons } = run;
  // What a person decides goes on by `settleReleases`, never by itself.
  if (needsPerson(blockReasons)) return false;
  if (blockReasons.includes("promotion-paused") && facts.paused) return false;
  // A revert that was killed goes on; any other run has ended by it.
  const waitsForExecute = ["observe-only", "kill-switch-active"] as const;
  const isWaiting = waitsForExecute.some((reason) => blockReasons.includes(reason));
  if (isWaiting && facts.mode !== "execute") return false;
  if (blockReasons.includes("health-window-open") && facts.isWatching) return false;
  if (!blockReasons.some((reason) => lookAgain.has(reason))) return true;
  // 2 s, 4 s, ... up to about 4 minutes between attempts; a session's score is of five minutes.
  const waitMs = blockReasons.includes("session-at-risk")
    ? 300_000
    : 1000 * 2 ** Math.min(run.attempt, 8);
  return facts.now.getTime() - facts.parkedAt.getTime() >= waitMs;
}
