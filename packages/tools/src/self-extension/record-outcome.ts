import { messageOf } from "@jarvis/db";
import { setTimeout as sleep } from "node:timers/promises";
import { isParking, type BlockReason } from "./block-reasons.ts";
import { SelfExtensionError } from "./errors.ts";
import {
  appendSelfExtensionEvent,
  readRunEvents,
  type EventContext,
  type LifecycleEvent,
} from "./lifecycle-events.ts";
import { passingFailure } from "./passing-failure.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import type { Refusal } from "./proposal.ts";
import type { OpenedConflict } from "./revert-conflict.ts";
import { runRevertedBy } from "./revert-run.ts";
import { foldRun, isTerminal } from "./run-state.ts";

/**
 * Appends `promotion_blocked`, and answers its reasons; the run is parked when every reason is one that can pass, unless the
 * caller knows that this one cannot.
 */
export async function recordBlock(
  world: Pick<PipelineWorld, "db">,
  context: EventContext,
  attempt: number,
  stage: string,
  refusals: readonly Refusal[],
  { parked, shown = null }: { parked?: boolean; shown?: OpenedConflict | null } = {},
): Promise<readonly BlockReason[]> {
  const reasons = [...new Set(refusals.map(({ reason }) => reason))];
  const isRevert = (await runRevertedBy(world.db, context.runId)) !== null;
  await appendSelfExtensionEvent(world.db, {
    context,
    type: "promotion_blocked",
    stage,
    idempotencyKey: blockKey(await readRunEvents(world.db, context.runId), attempt, stage),
    payload: {
      attempt,
      reasons,
      detail: sentences(refusals),
      parked: parked ?? isParking(reasons, { isRevert }),
      branchName: shown?.branchName ?? null,
      headSha: shown?.headSha ?? null,
      pullRequestNumber: shown?.pullRequestNumber ?? null,
      pullRequestUrl: shown?.pullRequestUrl ?? null,
    },
  });
  return reasons;
}

/**
 * Names a block so that a step which is repeated after a crash finds the one that it wrote. Where the
 * run has gone on in the same attempt since, because what parked it had passed when the step was
 * repeated, the next block is another one: without it the run would stand where nobody starts it again.
 */
export function blockKey(
  events: readonly LifecycleEvent[],
  attempt: number,
  stage: string,
): string {
  const own = events.filter(({ payload }) => "attempt" in payload && payload.attempt === attempt);
  const wentOn = own.findLastIndex(({ type }) => type === "proposed" || type === "tested");
  const passed = own
    .slice(0, wentOn + 1)
    .filter((event) => event.type === "promotion_blocked" && event.stage === stage).length;
  return `blocked:${attempt}:${stage}${passed === 0 ? "" : `:${passed}`}`;
}

/** What a person reads: the first refusals, since a change of a thousand files repeats itself. */
function sentences(refusals: readonly Refusal[]): string {
  const shown = refusals.slice(0, SHOWN_REFUSALS).map(({ detail }) => detail);
  const hidden = refusals.length - shown.length;
  return hidden === 0 ? shown.join(" ") : `${shown.join(" ")} And ${hidden} more of this kind.`;
}

const SHOWN_REFUSALS = 20;

/** How often it is tried to record a failure where what keeps it from the ledger passes. */
const AGAIN_MS = 500;

/**
 * Records that a run broke. Waits for a database that is away, perhaps for what broke the run: a
 * workflow that ended with nothing recorded would never be begun again. A kernel that loses its
 * database for good ends in the middle of the wait, and the next one repeats it.
 */
export async function recordFailure(
  world: Pick<PipelineWorld, "db">,
  runId: string,
  attempt: number,
  error: unknown,
): Promise<void> {
  for (;;) {
    try {
      await appendFailure(world, runId, attempt, error);
      return;
    } catch (problem) {
      if (passingFailure(problem) === null) throw problem;
      await sleep(AGAIN_MS, undefined, { ref: false });
    }
  }
}

/**
 * Ends a run that broke; where what broke it passes, or the run takes a change back, it is parked and
 * tried again. The sentence is for people; the code is for programs. A run that has ended
 * keeps its end: what breaks while tidying up is no reason to deny a promotion.
 */
async function appendFailure(
  world: Pick<PipelineWorld, "db">,
  runId: string,
  attempt: number,
  error: unknown,
): Promise<void> {
  const events = await readRunEvents(world.db, runId);
  const context = events[0]?.context;
  if (context === undefined || isTerminal(foldRun(runId, events).status)) return;
  const passing = passingFailure(error);
  if (passing !== null) {
    await recordBlock(world, context, attempt, "pipeline", [passing]);
    return;
  }
  if ((await runRevertedBy(world.db, runId)) !== null) {
    const detail = `Taking the change back broke: ${messageOf(error)}`;
    await recordBlock(world, context, attempt, "pipeline", [{ reason: "revert-failed", detail }]);
    return;
  }
  const known = error instanceof SelfExtensionError ? error : null;
  await appendSelfExtensionEvent(world.db, {
    context,
    type: "failed",
    stage: "pipeline",
    idempotencyKey: `failed:${attempt}`,
    payload: {
      attempt,
      category: known === null ? "internal" : "infrastructure",
      reason: messageOf(error),
      code: known?.code ?? null,
    },
  });
}
