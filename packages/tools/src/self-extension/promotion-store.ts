import type { JarvisDatabase } from "@jarvis/db";
import {
  getPromotionControlState,
  recordAcknowledgement,
  setPromotionControlState,
} from "./promotion-control.ts";
import * as intents from "./promotion-intents.ts";

/** A function of the database, with the database given. */
type Bound<F> = F extends (db: JarvisDatabase, ...rest: infer Rest) => infer Answer
  ? (...rest: Rest) => Answer
  : never;

/**
 * What the order of promotions and pauses is kept in: the switch, and the intents under its lock. The
 * database is the one that is used; the other one is for schedules by the thousand, and is held to
 * the same answers (`promotion-ports.test.ts`).
 */
export interface PromotionStore {
  readonly readControl: Bound<typeof getPromotionControlState>;
  readonly setControl: Bound<typeof setPromotionControlState>;
  readonly recordAcknowledgement: Bound<typeof recordAcknowledgement>;
  readonly recordIntent: Bound<typeof intents.recordIntent>;
  readonly takeOverIntent: Bound<typeof intents.takeOverIntent>;
  readonly letThrough: Bound<typeof intents.letThrough>;
  readonly resolveIntent: Bound<typeof intents.resolveIntent>;
  readonly resolveUnlessLetThrough: Bound<typeof intents.resolveUnlessLetThrough>;
  readonly resolveLanded: Bound<typeof intents.resolveLanded>;
  readonly noteFenceClosed: Bound<typeof intents.noteFenceClosed>;
  readonly openIntents: Bound<typeof intents.openIntents>;
  readonly intentsToClose: Bound<typeof intents.intentsToClose>;
  readonly readIntents: Bound<typeof intents.readIntents>;
  readonly revertsLandedSince: Bound<typeof intents.revertsLandedSince>;
  readonly sinceLetThroughMs: Bound<typeof intents.sinceLetThroughMs>;
  readonly sinceResolvedMs: Bound<typeof intents.sinceResolvedMs>;
  readonly isOfEarlierLeadership: Bound<typeof intents.isOfEarlierLeadership>;
  readonly givenUpLandings: Bound<typeof intents.givenUpLandings>;
  readonly doubtfulOpenings: Bound<typeof intents.doubtfulOpenings>;
}

export function promotionStore(db: JarvisDatabase): PromotionStore {
  return {
    readControl: async () => await getPromotionControlState(db),
    setControl: async (change) => await setPromotionControlState(db, change),
    recordAcknowledgement: async (control, answer) =>
      await recordAcknowledgement(db, control, answer),
    recordIntent: async (facts) => await intents.recordIntent(db, facts),
    takeOverIntent: async (intent) => await intents.takeOverIntent(db, intent),
    letThrough: async (intent) => await intents.letThrough(db, intent),
    resolveIntent: async (id, resolution) => await intents.resolveIntent(db, id, resolution),
    resolveUnlessLetThrough: async (id) => await intents.resolveUnlessLetThrough(db, id),
    resolveLanded: async (headSha, mergeSha) => {
      await intents.resolveLanded(db, headSha, mergeSha);
    },
    noteFenceClosed: async (id) => {
      await intents.noteFenceClosed(db, id);
    },
    openIntents: async () => await intents.openIntents(db),
    intentsToClose: async () => await intents.intentsToClose(db),
    readIntents: async (ids) => await intents.readIntents(db, ids),
    revertsLandedSince: async (since) => await intents.revertsLandedSince(db, since),
    sinceLetThroughMs: async (id) => await intents.sinceLetThroughMs(db, id),
    sinceResolvedMs: async (id) => await intents.sinceResolvedMs(db, id),
    isOfEarlierLeadership: async (id) => await intents.isOfEarlierLeadership(db, id),
    givenUpLandings: async (headSha) => await intents.givenUpLandings(db, headSha),
    doubtfulOpenings: async (intent) => await intents.doubtfulOpenings(db, intent),
  };
}
