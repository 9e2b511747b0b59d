import { inheritUnanswered } from "./landing-memory.ts";
import { isThisProcess } from "./promotion-holder.ts";
import type { Announcement } from "./promotion-intents.ts";
import type { LandingPromotion } from "./promotion-landing.ts";
import { mayStillLand, settleIntent } from "./settle-intent.ts";

export type Announced =
  | Exclude<Announcement, { kind: "taken" }>
  | { readonly kind: "unresolved"; readonly why: string };

/** Records the intent, or goes on with the one that an earlier attempt at the same head left open. */
export async function announceLanding(
  promotion: LandingPromotion,
  isRevert: boolean,
): Promise<Announced> {
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
