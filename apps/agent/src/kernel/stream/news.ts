import { setTimeout as sleep } from "node:timers/promises";
import { Settled, type LedgerLook } from "@jarvis/db";

/**
 * How often ledgers are looked at while somebody listens. Nobody who inserts announces it: that would
 * cost each of them more than this costs all together (migration 0015).
 */
const OFTEN_MS = 50;
/** The same while nobody does, so that whoever comes does not wait for what was long before. */
const SELDOM_MS = 500;

/** Finds out at little cost whether a ledger has rows that it did not have at the look before. */
export class News {
  readonly #edge: LedgerLook<number>;
  readonly #settled: Settled<number>;
  #newest = 0;
  #settledAt = 0;

  constructor(edge: LedgerLook<number>) {
    this.#edge = edge;
    this.#settled = new Settled(edge);
  }

  /** Mostly one question, which an index answers. */
  async look(): Promise<boolean> {
    const newest = await this.#edge.newest();
    if (newest === this.#newest && newest === this.#settledAt) return false;
    // Somebody may hold a smaller id, whose row changes no newest one when it is committed.
    const settledAt = (await this.#settled.look()) ?? 0;
    const isNews = newest !== this.#newest || settledAt !== this.#settledAt;
    this.#newest = newest;
    this.#settledAt = settledAt;
    return isNews;
  }
}

/** Looks until `signal` ends it; nobody waits for a look that a dead database never answers. */
export async function lookOften(
  look: () => Promise<void>,
  isHeard: () => boolean,
  options: { readonly signal: AbortSignal; readonly onProblem: (error: unknown) => void },
): Promise<void> {
  const { signal, onProblem } = options;
  let hasFailed = false;
  for (;;) {
    try {
      // In steps, so that the first one who listens does not wait for a long rest to end.
      for (let rested = 0; rested < SELDOM_MS; rested += OFTEN_MS) {
        await sleep(OFTEN_MS, undefined, { signal });
        if (!hasFailed && isHeard()) break;
      }
      await look();
      hasFailed = false;
    } catch (error) {
      if (signal.aborted) return;
      hasFailed = true;
      onProblem(error);
    }
  }
}
