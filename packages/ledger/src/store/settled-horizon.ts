import { setTimeout as sleep } from "node:timers/promises";
import type { JarvisDatabase } from "@jarvis/db";
import { newestIds, openWriters, type Horizon } from "./sealed-rows.ts";

const POLL_MS = 5;

/**
 * Up to where every row can be seen that ever will be: ids are taken from a sequence, so a lower id
 * may be committed after a higher one. Null where a writer did not end within `patienceMs`.
 *
 * Whoever holds an id up to the newest one seen has held a lock on its table since before, so once
 * everybody who held one at that moment has ended, no row up to there can still appear. Unlike the
 * oldest transaction of the server, this waits for writers of the ledger and for nobody else.
 */
export async function settledHorizon(
  db: JarvisDatabase,
  patienceMs: number,
): Promise<Horizon | null> {
  const horizon = await newestIds(db);
  let waitedFor = await openWriters(db);
  const deadline = Date.now() + patienceMs;
  while (waitedFor.size > 0) {
    if (Date.now() > deadline) return null;
    await sleep(POLL_MS);
    const still = await openWriters(db);
    waitedFor = new Set([...waitedFor].filter((writer) => still.has(writer)));
  }
  return horizon;
}
