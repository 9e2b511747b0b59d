import { setTimeout as sleep } from "node:timers/promises";
import { Settled, type JarvisDatabase } from "@jarvis/db";
import { newestIds, openWriters, type Horizon } from "./sealed-rows.ts";

const POLL_MS = 5;

/** Up to where every row can be seen that ever will be. Null where a writer did not end within `patienceMs`. */
export async function settledHorizon(
  db: JarvisDatabase,
  patienceMs: number,
): Promise<Horizon | null> {
  const settled = new Settled<Horizon>({
    newest: async () => await newestIds(db),
    openWriters: async () => await openWriters(db),
  });
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const horizon = await settled.look();
    if (horizon !== null) return horizon;
    if (performance.now() > deadline) return null;
    await sleep(POLL_MS);
  }
}
