import type { BlockReason } from "./block-reasons.ts";
import { connectionProblem } from "./host-problem.ts";
import { promotionFence, type PromotionFence } from "./promotion-fence.ts";
import { isThisProcess } from "./promotion-holder.ts";
import type { Announcement, Intent, KnownBy } from "./promotion-intents.ts";
import { hasLanded, landingRefusal, type Promotion } from "./promotion-outcome.ts";
import type { PullRequest } from "./promotion-remote.ts";
import type { PromotionStore } from "./promotion-store.ts";
import {
  alone,
  inheritUnanswered,
  mayStillLand,
  settleIntent,
  whileUnderWay,
  type SettleWorld,
} from "./settle-intent.ts";

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

/** A host that has just been told of a status may refuse for another moment. */
const STATUS_DELAYS_MS = [100, 300, 900, 2000];
const MAX_UNANSWERED = 3;

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
  const { world, remote, head } = promotion;
  const announced = await announce(promotion, plan.isRevert);
  if (announced.kind === "paused") return await blockedByPause(world.store);
  if (announced.kind === "unresolved") {
    const detail = `It is not known yet how an earlier landing ended, ${announced.why}.`;
    return blocked("landing-unresolved", detail);
  }
  const { intent } = announced;
  const fence = promotionFence(world.github());
  // One that was taken over may have been let through by its earlier holder.
  let mayBeOnItsWay = intent.phase === "landing";

  /** Nothing of this intent is on its way: it did not happen. */
  const giveUp = async (how: Exclude<KnownBy, "read-back">): Promise<void> => {
    if (mayBeOnItsWay) return;
    await world.store.resolveIntent(intent.id, { outcome: "did-not-happen", knownBy: how });
    await closeQuietly(promotion, fence, intent);
  };

  // Of one that was let through before, a request may be on its way: its fence is not opened again.
  if (plan.isFenced && intent.phase === "recorded") {
    await fence.open(head.sha, `Let through for run ${intent.runId}`);
  }
  let unanswered = 0;
  for (let delays = 0; ;) {
    const objection = await plan.lastLook().catch(async (error: unknown) => {
      await giveUp("not-sent");
      throw error;
    });
    if (objection !== null) {
      await giveUp("not-sent");
      return { kind: "blocked", ...objection };
    }
    const mayHaveBeen = mayBeOnItsWay;
    const request = await whileUnderWay(intent, async (send): Promise<LandingRequest> => {
      const passage = await world.store.letThrough(intent);
      if (passage === "paused") return { kind: "paused" };
      if (passage === "resolved") return { kind: "resolved" };
      if ((await remote.readBase()) !== promotion.verified.change.baseSha) {
        return { kind: "base-moved" };
      }
      mayBeOnItsWay = true;
      try {
        await send(async () => {
          if (plan.landing === "fast-forward") await remote.fastForwardBase(head.sha);
          else await remote.merge(plan.pullRequest.number, head.sha);
        });
        return { kind: "landed" };
      } catch (error) {
        return { kind: "failed", error };
      }
    });
    if (request.kind === "landed") return { kind: "landed" };
    if (request.kind === "paused" || request.kind === "resolved") {
      await giveUp("not-sent");
      // Resolved by somebody else: whatever this process opened since is closed again.
      if (request.kind === "resolved") await closeQuietly(promotion, fence, intent);
      return await blockedByPause(world.store);
    }
    if (request.kind === "base-moved") {
      if (await hasLanded(promotion)) return { kind: "landed" };
      await giveUp("not-sent");
      return { kind: "base-moved" };
    }
    const { error } = request;
    const refusal = landingRefusal(error);
    if (refusal === null) {
      if (connectionProblem(error) === null) throw error;
      if (await hasLanded(promotion)) return { kind: "landed" };
      unanswered += 1;
      if (unanswered === MAX_UNANSWERED) throw error;
      continue;
    }
    mayBeOnItsWay = mayHaveBeen;
    // A refused landing may have been overtaken by someone else's push, or be our own from before.
    if (await hasLanded(promotion)) return { kind: "landed" };
    const delayMs = STATUS_DELAYS_MS[delays];
    if (refusal.reason === "status-failing" && plan.isFenced && delayMs !== undefined) {
      delays += 1;
      await world.wait(delayMs);
      continue;
    }
    // A pause closed its fence and could not resolve it; it is not opened again for this intent.
    if (refusal.reason === "status-failing" && mayHaveBeen) {
      const settled = await settleIntent(world, intent, { isPaused: false });
      if (settled.settled && settled.intent.outcome === "landed") return { kind: "landed" };
      const why = settled.settled ? "and it is tried anew" : settled.why;
      return blocked("landing-unresolved", `An earlier landing of this run was given up, ${why}.`);
    }
    const isOurFence =
      refusal.reason === "status-failing" && plan.isFenced && !(await fence.isOpen(head.sha));
    await giveUp("refused");
    if (refusal.reason === "base-moved") return { kind: "base-moved" };
    // A pause closed the fence, did not get to resolve the intent, and was lifted again.
    if (isOurFence) return await blockedByPause(world.store);
    return {
      kind: "blocked",
      reasons: [refusal.reason],
      detail: `The repository host refused the landing: ${refusal.message}`,
      mergeError: refusal.message,
    };
  }
}

/** What became of one passage and its request. */
type LandingRequest =
  | { readonly kind: "landed" }
  | { readonly kind: "paused" }
  | { readonly kind: "resolved" }
  | { readonly kind: "base-moved" }
  | { readonly kind: "failed"; readonly error: unknown };

type Announced =
  | Exclude<Announcement, { kind: "taken" }>
  | { readonly kind: "unresolved"; readonly why: string };

/** Records the intent, or goes on with the one that an earlier attempt at the same head left open. */
async function announce(promotion: LandingPromotion, isRevert: boolean): Promise<Announced> {
  const { world, verified, attempt, head } = promotion;
  const { runId, baseSha } = verified.change;
  const { store, holderState } = world;
  for (;;) {
    const open = (await store.openIntents()).find((intent) => intent.headSha === head.sha);
    const before = open === undefined ? await mayStillLand(world, head.sha) : null;
    if (before !== null) return { kind: "unresolved", why: `of this run: ${before.why}` };
    const facts = { runId, attempt, headSha: head.sha, baseSha, isRevert };
    const announced = await store.recordIntent(facts);
    if (announced.kind !== "taken") return announced;
    const { by } = announced;
    if (by.runId === runId && by.headSha === head.sha) {
      // Our own from an attempt that got no answer, or a dead kernel's.
      if (isThisProcess(by.holder) || holderState(by.holder) === "dead") {
        const intent = await store.takeOverIntent(by);
        if (intent === null) continue;
        if (!isThisProcess(by.holder)) inheritUnanswered(intent);
        return { kind: "recorded", intent };
      }
    }
    const settled = await settleIntent(world, by, { isPaused: false });
    if (!settled.settled) {
      return { kind: "unresolved", why: `of run ${by.runId}: ${settled.why}` };
    }
  }
}

/** A fence that cannot be closed now is closed by the next look (`closeFences`). */
async function closeQuietly(
  { world, head }: LandingPromotion,
  fence: PromotionFence,
  intent: Intent,
): Promise<void> {
  // A revert is never fenced.
  if (intent.isRevert) return;
  try {
    await fence.close(head.sha, "This promotion did not happen");
    // Who had the intent before may have asked to open it and heard nothing: `closeFences` waits for that.
    if (intent.holder.takenOverAt === null) await world.store.noteFenceClosed(intent.id);
  } catch (error) {
    if (connectionProblem(error) === null) throw error;
  }
}

/** Paused, or resolved by who paused: where promotion goes on meanwhile, the next attempt is let through. */
async function blockedByPause(store: PromotionStore): Promise<Landing> {
  const control = await store.readControl();
  return control.paused
    ? blocked("promotion-paused", `Promotion is paused: ${control.reason}`)
    : blocked("landing-unresolved", "Promotion was paused while this change was about to land.");
}

function blocked(reason: BlockReason, detail: string): Landing {
  return { kind: "blocked", reasons: [reason], detail };
}
