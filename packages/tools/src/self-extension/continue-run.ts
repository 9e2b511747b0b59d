import type { BlockReason } from "./block-reasons.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { foldRun, type RunState } from "./run-state.ts";
import { whenGitHubAnswers } from "./github-client.ts";
import { promotionRemote } from "./promotion-remote.ts";

/**
 * The staged commit of a parked run whose evidence still counts: it was verified on the base that
 * stands now. Null where the change has to be staged anew.
 */
export async function continueFromEvidence(
  world: PipelineWorld,
  runId: string,
): Promise<string | null> {
  const state = foldRun(runId, await readRunEvents(world.db, runId));
  if (state.testsPassed !== true || state.stagedSha === null || state.baseSha === null) return null;
  const remote = promotionRemote(world.github);
  const base = await whenGitHubAnswers(() => remote.readBase());
  return base.answered && base.value === state.baseSha ? state.stagedSha : null;
}

export interface ContinueFacts {
  readonly paused: boolean;
  readonly mode: "observe" | "execute";
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
]);

/** Whether a parked run may try again now. Pure. */
export function mayContinue(run: RunState, facts: ContinueFacts): boolean {
  const { blockReasons } = run;
  if (blockReasons.includes("promotion-paused") && facts.paused) return false;
  if (blockReasons.includes("observe-only") && facts.mode !== "execute") return false;
  if (!blockReasons.some((reason) => lookAgain.has(reason))) return true;
  // 2 s, 4 s, ... up to about 4 minutes between attempts.
  const waitMs = 1000 * 2 ** Math.min(run.attempt, 8);
  return facts.now.getTime() - facts.parkedAt.getTime() >= waitMs;
}
