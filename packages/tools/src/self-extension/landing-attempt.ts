import type { BlockReason } from "./block-reasons.ts";
import { connectionProblem } from "./host-problem.ts";
import { whileUnderWay } from "./landing-memory.ts";
import { decideAfterRequest, landingRefusal, type LandingRefusal } from "./landing-refusal.ts";
import { promotionFence, type PromotionFence } from "./promotion-fence.ts";
import type { Intent, KnownBy } from "./promotion-intents.ts";
import type { Landing, LandingBlock, LandingPlan, LandingPromotion } from "./promotion-landing.ts";
import { hasLanded } from "./promotion-outcome.ts";
import type { PromotionStore } from "./promotion-store.ts";
import { settleIntent } from "./settle-intent.ts";

/** One announced intent, from its fence to what became of it. */
export class LandingAttempt {
  readonly #promotion: LandingPromotion;
  readonly #plan: LandingPlan;
  readonly #intent: Intent;
  readonly #fence: PromotionFence;
  /** A request is, or of one that was taken over by its earlier holder: nothing says that it did not happen. */
  #mayBeOnItsWay: boolean;
  #unanswered = 0;
  #waits = 0;

  constructor(promotion: LandingPromotion, plan: LandingPlan, intent: Intent) {
    this.#promotion = promotion;
    this.#plan = plan;
    this.#intent = intent;
    this.#fence = promotionFence(promotion.world.github());
    this.#mayBeOnItsWay = intent.phase === "landing";
  }

  async land(): Promise<Landing> {
    const { head } = this.#promotion;
    // Of one that was let through before, a request may be on its way: its fence is not opened again.
    if (this.#plan.isFenced && this.#intent.phase === "recorded") {
      await this.#fence.open(head.sha, `Let through for run ${this.#intent.runId}`);
    }
    for (;;) {
      const objection = await this.#lookOnceMore();
      if (objection !== null) return { kind: "blocked", ...objection };
      const mayHaveBeen = this.#mayBeOnItsWay;
      const request = await this.#passAndSend();
      const landing =
        request.kind === "failed"
          ? await this.#afterFailure(request.error, mayHaveBeen)
          : await this.#afterPassage(request.kind);
      if (landing !== "again") return landing;
    }
  }

  /** What says no at last, and the intent did not happen then; null lets pass. */
  async #lookOnceMore(): Promise<LandingBlock | null> {
    try {
      const objection = await this.#plan.lastLook();
      if (objection !== null) await this.#giveUp("not-sent");
      return objection;
    } catch (error) {
      await this.#giveUp("not-sent");
      throw error;
    }
  }

  async #passAndSend(): Promise<LandingRequest> {
    const { world, remote, head, verified } = this.#promotion;
    return await whileUnderWay(this.#intent, async (send): Promise<LandingRequest> => {
      const passage = await world.store.letThrough(this.#intent);
      if (passage === "paused" || passage === "resolved") return { kind: passage };
      if ((await remote.readBase()) !== verified.change.baseSha) return { kind: "base-moved" };
      this.#mayBeOnItsWay = true;
      try {
        await send(async () => {
          if (this.#plan.landing === "fast-forward") await remote.fastForwardBase(head.sha);
          else await remote.merge(this.#plan.pullRequest.number, head.sha);
        });
        return { kind: "landed" };
      } catch (error) {
        return { kind: "failed", error };
      }
    });
  }

  async #afterPassage(kind: Exclude<LandingRequest["kind"], "failed">): Promise<Landing> {
    if (kind === "landed") return { kind: "landed" };
    if (kind === "base-moved") {
      if (await hasLanded(this.#promotion)) return { kind: "landed" };
      await this.#giveUp("not-sent");
      return { kind: "base-moved" };
    }
    await this.#giveUp("not-sent");
    // Resolved by somebody else: whatever this process opened since is closed again.
    if (kind === "resolved") await this.#closeFence();
    return await blockedByPause(this.#promotion.world.store);
  }

  /** @throws the error, if it is no word of the host, or if the host does not answer at all. */
  async #afterFailure(error: unknown, mayHaveBeen: boolean): Promise<Landing | "again"> {
    const refusal = landingRefusal(error);
    if (refusal === null && connectionProblem(error) === null) throw error;
    if (refusal === null) this.#unanswered += 1;
    else this.#mayBeOnItsWay = mayHaveBeen;
    // A refused landing may have been overtaken by someone else's push, or be our own from before.
    if (await hasLanded(this.#promotion)) return { kind: "landed" };
    const next = decideAfterRequest({
      refusal,
      unanswered: this.#unanswered,
      waits: this.#waits,
      isFenced: this.#plan.isFenced,
      mayBeOnItsWay: mayHaveBeen,
    });
    if (next.kind === "send-again") return "again";
    if (next.kind === "wait") {
      this.#waits += 1;
      await this.#promotion.world.wait(next.delayMs);
      return "again";
    }
    if (refusal === null || next.kind === "leave-open") throw error;
    return next.kind === "settle" ? await this.#settle() : await this.#afterRefusal(refusal);
  }

  async #settle(): Promise<Landing> {
    const settled = await settleIntent(this.#promotion.world, this.#intent, { isPaused: false });
    if (settled.settled && settled.intent.outcome === "landed") return { kind: "landed" };
    const why = settled.settled ? "and it is tried anew" : settled.why;
    return blocked("landing-unresolved", `An earlier landing of this run was given up, ${why}.`);
  }

  async #afterRefusal({ reason, message }: LandingRefusal): Promise<Landing> {
    const isOurFence =
      reason === "status-failing" &&
      this.#plan.isFenced &&
      !(await this.#fence.isOpen(this.#promotion.head.sha));
    await this.#giveUp("refused");
    if (reason === "base-moved") return { kind: "base-moved" };
    // A pause closed the fence, did not get to resolve the intent, and was lifted again.
    if (isOurFence) return await blockedByPause(this.#promotion.world.store);
    const detail = `The repository host refused the landing: ${message}`;
    return { kind: "blocked", reasons: [reason], detail, mergeError: message };
  }

  /** Says that it did not happen, unless a request of this intent may still be on its way. */
  async #giveUp(knownBy: Exclude<KnownBy, "read-back">): Promise<void> {
    if (this.#mayBeOnItsWay) return;
    const resolution = { outcome: "did-not-happen", knownBy } as const;
    await this.#promotion.world.store.resolveIntent(this.#intent.id, resolution);
    await this.#closeFence();
  }

  /** A fence that cannot be closed now is closed by the next look (`closeFences`). */
  async #closeFence(): Promise<void> {
    const { world, head } = this.#promotion;
    const { id, holder, isRevert } = this.#intent;
    // A revert is never fenced.
    if (isRevert) return;
    try {
      await this.#fence.close(head.sha, "This promotion did not happen");
      // Who had the intent before may have asked to open it and heard nothing: `closeFences` waits for that.
      if (holder.takenOverAt === null) await world.store.noteFenceClosed(id);
    } catch (error) {
      if (connectionProblem(error) === null) throw error;
    }
  }
}

/** What became of one passage and its request. */
type LandingRequest =
  | { readonly kind: "landed" }
  | { readonly kind: "paused" }
  | { readonly kind: "resolved" }
  | { readonly kind: "base-moved" }
  | { readonly kind: "failed"; readonly error: unknown };

/** Paused, or resolved by who paused: where promotion goes on meanwhile, the next attempt is let through. */
export async function blockedByPause(store: PromotionStore): Promise<Landing> {
  const control = await store.readControl();
  return control.paused
    ? blocked("promotion-paused", `Promotion is paused: ${control.reason}`)
    : blocked("landing-unresolved", "Promotion was paused while this change was about to land.");
}

export function blocked(reason: BlockReason, detail: string): Landing {
  return { kind: "blocked", reasons: [reason], detail };
}
