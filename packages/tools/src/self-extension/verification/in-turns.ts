import { setImmediate } from "node:timers/promises";

/**
 * Many small files, a few dozen in a turn: waiting for each would take ten times as long, and doing
 * all at once would keep everything else waiting.
 */
export async function inTurns<T>(items: readonly T[], work: (item: T) => void): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index % 64 === 63) await setImmediate();
    work(item);
  }
}
