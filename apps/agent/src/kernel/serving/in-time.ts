import { setTimeout as sleep } from "node:timers/promises";

/** A database that has not answered by then is down for whoever has to go back now. */
export const DATABASE_PATIENCE_MS = 2_000;

/** The same for what is only asked in passing on the way back, while the body that fails still serves. */
export const PASSING_PATIENCE_MS = 500;

/** What the work answers, or `late` where it takes longer; the work goes on and nobody waits for it. */
export async function inTime<T, L>(work: Promise<T>, ms: number, late: L): Promise<T | L> {
  const limit = new AbortController();
  const clock = sleep(ms, late, { signal: limit.signal }).catch(() => late);
  // What it throws after its time is nobody's any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, clock]);
  } finally {
    limit.abort();
  }
}
