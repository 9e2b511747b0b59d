import { isParking, type BlockReason } from "./block-reasons.ts";
import { SelfExtensionError } from "./errors.ts";
import { appendSelfExtensionEvent, readRunEvents, type EventContext } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import type { Refusal } from "./proposal.ts";

/** Appends `promotion_blocked`; the run is parked when every reason is one that can pass. */
export async function recordBlock(
  world: Pick<PipelineWorld, "db">,
  context: EventContext,
  attempt: number,
  stage: string,
  refusals: readonly Refusal[],
): Promise<{ staged: false; reasons: readonly BlockReason[] }> {
  const reasons = [...new Set(refusals.map(({ reason }) => reason))];
  await appendSelfExtensionEvent(world.db, {
    context,
    type: "promotion_blocked",
    stage,
    idempotencyKey: `blocked:${attempt}:${stage}`,
    payload: {
      attempt,
      reasons,
      detail: refusals
        .map(({ detail }) => detail)
        .join(" ")
        .slice(0, 4000),
      parked: isParking(reasons),
      branchName: null,
      headSha: null,
      pullRequestNumber: null,
      pullRequestUrl: null,
    },
  });
  return { staged: false, reasons };
}

/** Ends a run that broke. The sentence is for people; the code is for programs. */
export async function recordFailure(
  world: Pick<PipelineWorld, "db">,
  runId: string,
  attempt: number,
  error: unknown,
): Promise<void> {
  const events = await readRunEvents(world.db, runId);
  const context = events[0]?.context;
  if (context === undefined) return;
  const known = error instanceof SelfExtensionError ? error : null;
  await appendSelfExtensionEvent(world.db, {
    context,
    type: "failed",
    stage: "pipeline",
    idempotencyKey: `failed:${attempt}`,
    payload: {
      attempt,
      category: known === null ? "internal" : "infrastructure",
      reason: (error instanceof Error ? error.message : String(error)).slice(0, 4000),
      code: known?.code ?? null,
    },
  });
}
