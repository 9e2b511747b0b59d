import type { LedgerReader } from "./ledger-reader.ts";

/**
 * How far a follower of the ledger can have missed nothing.
 *
 * Ids come from a sequence, so a smaller one may be committed after a greater. But whoever holds a
 * smaller id than one that can be seen has held a lock on the table since before: once everybody who
 * held one at that moment has ended, no row up to there can still appear.
 */
export class Settled {
  readonly #reader: Pick<LedgerReader, "newest" | "openWriters">;
  #id: number;
  #waiting: { readonly id: number; readonly writers: readonly string[] } | null = null;

  constructor(reader: Pick<LedgerReader, "newest" | "openWriters">, id: number) {
    this.#reader = reader;
    this.#id = id;
  }

  /** Looks again; a read that begins after this sees every row up to the answer. */
  async look(): Promise<number> {
    // In this order: who wrote before the newest row is either seen here as a writer or has ended.
    const newest = await this.#reader.newest();
    const open = await this.#reader.openWriters();
    if (open.size === 0) {
      this.#waiting = null;
      this.#id = Math.max(this.#id, newest);
      return this.#id;
    }
    const waiting = this.#waiting ?? { id: newest, writers: [...open] };
    const writers = waiting.writers.filter((writer) => open.has(writer));
    if (writers.length > 0) {
      this.#waiting = { id: waiting.id, writers };
    } else {
      this.#id = Math.max(this.#id, waiting.id);
      this.#waiting = { id: newest, writers: [...open] };
    }
    return this.#id;
  }
}
