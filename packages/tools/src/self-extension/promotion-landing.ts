import { announceLanding } from "./announce-landing.ts";
import type { BlockReason } from "./block-reasons.ts";
import { blocked, blockedByPause, LandingAttempt } from "./landing-attempt.ts";
import { alone } from "./landing-memory.ts";
import type { Promotion } from "./promotion-outcome.ts";
import type { PullRequest } from "./promotion-remote.ts";
import type { SettleWorld } from "./settle-intent.ts";

export interface LandingBlock {
  readonly reasons: readonly BlockReason[];
  readonly detail: string;
  readonly mergeError?: string;
}

export type Landing =
  | { readonly kind: "landed" }
  | { readonly kind: "base-moved" }
  | ({ readonly kind: "blocked" } & LandingBlock);

export interface LandingPlan {
  readonly landing: "fast-forward" | "merge";
  readonly pullRequest: PullRequest;
  readonly isRevert: boolean;
  /** Whether the base's protection names the fence, so that it has to be opened. */
  readonly isFenced: boolean;
  /** Everything that may still say no, looked at last; null lets pass. May throw to stop. */
  readonly lastLook: () => Promise<LandingBlock | null>;
}

/** What is to land, and what with. */
export interface LandingPromotion extends Pick<Promotion, "remote" | "attempt"> {
  readonly world: SettleWorld;
  readonly head: Pick<Promotion["head"], "sha">;
  readonly verified: {
    readonly change: Pick<Promotion["verified"]["change"], "runId" | "baseSha">;
  };
}

/**
 * Moves the base to the head of a promotion, in an order that lets a pause be certain:
 *
 * 1. the intent is recorded, by a statement that the promotion switch is locked for;
 * 2. the fence is opened for this head;
 * 3. everything that may say no is looked at once more;
 * 4. the database lets exactly one request through, by a statement like the first;
 * 5. the base is read, and is the one that was verified: `force: false` would let a base pass that
 *    was set back to an earlier commit;
 * 6. the request is sent. Only a new passage through 3 to 5 sends another.
 *
 * A decision before 6 resolves the intent, after 6 the host's word does. Where the host does not
 * answer the intent stays open: the next attempt goes on with it, or whoever comes next settles it
 * (`settleIntent`).
 * @throws what the host or `lastLook` threw
 */
export async function land(promotion: LandingPromotion, plan: LandingPlan): Promise<Landing> {
  return await alone(async () => await landAlone(promotion, plan));
}

async function landAlone(promotion: LandingPromotion, plan: LandingPlan): Promise<Landing> {
  const announced = await announceLanding(promotion, plan.isRevert);
  if (announced.kind === "paused") return await blockedByPause(promotion.world.store);
  if (announced.kind === "unresolved") {
    const detail = `It is not known yet how an earlier landing ended, ${announced.why}.`;
    return blocked("landing-unresolved", detail);
  }
  return await new LandingAttempt(promotion, plan, announced.intent).land();
}
