import { isParking, type BlockReason } from "./block-reasons.ts";
import { statusOf } from "./host-problem.ts";
import { appendSelfExtensionEvent, readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { promotionHead, type Head } from "./promotion-head.ts";
import { promotionRemote, type PromotionRemote, type PullRequest } from "./promotion-remote.ts";
import { blockKey } from "./record-outcome.ts";
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

/** What a clear refusal of the landing means, with the host's words; null for any other error. */
export function landingRefusal(error: unknown): { reason: BlockReason; message: string } | null {
  const status = statusOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (status === 409) return { reason: "base-moved", message };
  if (status !== 405 && status !== 422) return null;
  if (/fast.forward|reference .*(update|expected)|Base branch was modified/i.test(message))
    return { reason: "base-moved", message };
  return { reason: /status/i.test(message) ? "status-failing" : "landing-refused", message };
}
