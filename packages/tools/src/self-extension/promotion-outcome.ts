import { isParking, type BlockReason } from "./block-reasons.ts";
import { appendSelfExtensionEvent, readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { promotionHead, type Head } from "./promotion-head.ts";
import { promotionRemote, type PromotionRemote, type PullRequest } from "./promotion-remote.ts";
import { blockKey } from "./record-outcome.ts";
import { foldRun } from "./run-state.ts";
import type { Verified } from "./verification.ts";

export type PromotionOutcome =
  | { readonly promoted: true; readonly mergeSha: string }
  | { readonly promoted: false; readonly reasons: readonly BlockReason[] };

/** A verified change, the commit that is to land, and the attempt that does it. */
export interface Promotion {
  readonly world: PipelineWorld;
  readonly verified: Verified;
  readonly attempt: number;
  readonly remote: PromotionRemote;
  readonly head: Head;
}

export async function beginPromotion(
  world: PipelineWorld,
  verified: Verified,
  attempt: number,
): Promise<Promotion> {
  const head = await promotionHead(world, verified.change, verified.evidenceDigest);
  return { world, verified, attempt, remote: promotionRemote(world.github), head };
}

/**
 * How a run has ended already, null while it goes on. A step that is repeated after a crash finds the
 * end it wrote; nothing may land after it.
 */
export async function endOf(
  { db }: Pick<PipelineWorld, "db">,
  { change: { runId } }: Verified,
): Promise<PromotionOutcome | null> {
  const { status, blockReasons } = foldRun(runId, await readRunEvents(db, runId));
  const isOver = status === "blocked" || status === "failed";
  return isOver ? { promoted: false, reasons: blockReasons } : null;
}

export async function hasLanded({
  remote,
  head,
}: {
  readonly remote: Pick<PromotionRemote, "landedAs">;
  readonly head: Pick<Head, "sha">;
}): Promise<boolean> {
  return (await remote.landedAs(head.sha)) !== null;
}

/** Writes `promotion_blocked`, with what the host already shows of the change. */
export async function recordPromotionBlock(
  { world, verified, attempt, head }: Promotion,
  pullRequest: PullRequest | null,
  decision: { reasons: readonly BlockReason[]; detail: string; mergeError?: string },
): Promise<PromotionOutcome> {
  const { context } = verified.change;
  await appendSelfExtensionEvent(world.db, {
    context,
    type: "promotion_blocked",
    stage: "promote",
    idempotencyKey: blockKey(await readRunEvents(world.db, context.runId), attempt, "promote"),
    payload: {
      attempt,
      reasons: [...decision.reasons],
      detail: decision.detail,
      ...(decision.mergeError === undefined ? {} : { mergeError: decision.mergeError }),
      parked: isParking(decision.reasons, { isRevert: verified.change.reverted !== null }),
      branchName: pullRequest === null ? null : head.branch,
      headSha: pullRequest === null ? null : head.sha,
      pullRequestNumber: pullRequest?.number ?? null,
      pullRequestUrl: pullRequest?.url ?? null,
    },
  });
  return { promoted: false, reasons: decision.reasons };
}
