import { isParking, needsPerson, type BlockReason } from "./block-reasons.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { foldRun, type RunState } from "./run-state.ts";
import { whenGitHubAnswers } from "./github-client.ts";
import { requireSealed } from "./ledger-seal.ts";
import type { Refusal } from "./proposal.ts";
import { noteHostWait } from "./rate-budget.ts";
import { promotionHead } from "./promotion-head.ts";
import { promotionRemote } from "./promotion-remote.ts";
import { loadStaged } from "./staged-change.ts";

export type Continuation =
  | { readonly kind: "continue"; readonly stagedSha: string }
  | { readonly kind: "stage-anew" }
  | { readonly kind: "unanswered"; readonly problem: Refusal };

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
  const unsealed = await requireSealed(world, runId);
  if (unsealed !== null) return { kind: "unanswered", problem: unsealed };
  const change = await loadStaged(world, runId, stagedSha);
  const head = await promotionHead(world, change, evidenceDigest);
  const remote = promotionRemote(world.github);
  const stillCounts = await whenGitHubAnswers(
    async () => (await remote.readBase()) === baseSha || (await remote.landedAs(head.sha)) !== null,
  );
  if (!stillCounts.answered) {
    await noteHostWait(world.db, stillCounts.problem);
    return { kind: "unanswered", problem: stillCounts.problem };
  }
  return stillCounts.value ? { kind: "continue", stagedSha } : { kind: "stage-anew" };
}

export interface ContinueFacts {
  readonly paused: boolean;
  readonly mode: "observe" | "execute";
  /** Whether a change that was promoted before is still watched. */
  readonly isWatching: boolean;
  /** Whether there is too little room on disk to begin anything. */
  readonly isRoomLow: boolean;
  /** Before this the host need not be asked; null where it may be. */
  readonly hostReadyAt: Date | null;
  readonly now: Date;
  /** When the run was parked. */
  readonly parkedAt: Date;
}

/** Reasons that nobody turns a switch for: the run looks again after a while, less and less often. */
const lookAgain: ReadonlySet<BlockReason> = new Set([
  "github-not-connected",
  "repository-identity-changed",
  "repository-owned",
  "sandbox-unavailable",
  // A disk may be full that nobody watches: what waits for room looks less and less often, too.
  "disk-low",
  "database-unreachable",
  "status-missing",
  "status-pending",
  "ledger-mismatch",
  "ledger-behind",
  "ledger-unsealed",
  "base-unverified",
  "base-rewritten",
  "landing-unresolved",
  "session-at-risk",
  "rollback-required",
  // Its sandbox was ended: a revert begins again, and not at once where it is ended each time.
  "kill-switch-active",
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
  if (blockReasons.includes("disk-low") && facts.isRoomLow) return false;
  // The host has said when; asking earlier costs what there is too little of.
  const { hostReadyAt } = facts;
  if (blockReasons.includes("rate-budget-low") && hostReadyAt !== null && hostReadyAt > facts.now) {
    return false;
  }
  // What ends any other run, a revert alone parks with: nothing but time or a person changes it.
  const isStubborn = !isParking(blockReasons) && !isWaiting;
  if (!isStubborn && !blockReasons.some((reason) => lookAgain.has(reason))) return true;
  // 2 s, 4 s, ... up to about 4 minutes between attempts, or an hour; a session's score is of five
  // minutes.
  const waitMs = blockReasons.includes("session-at-risk")
    ? 300_000
    : 1000 * 2 ** Math.min(run.attempt, isStubborn ? 12 : 8);
  return facts.now.getTime() - facts.parkedAt.getTime() >= waitMs;
}
