/** What says how far a ledger goes, and who may still be writing to it. */
export interface LedgerLook<Point> {
  /** The newest that can be seen: an id, or one of each of several ledgers. */
  newest(): Promise<Point>;
  /** As `ledgerWriters` names them. */
  openWriters(): Promise<ReadonlySet<string>>;
}

/**
 * How far a reader of a ledger can have missed nothing.
 *
 * Ids come from a sequence, so a smaller one may be committed after a greater. But whoever holds a
 * smaller id than one that can be seen has held a lock on the table since before: once everybody who
 * held one at that moment has ended, no row up to there can still appear. Unlike the oldest
 * transaction of the server, this waits for writers of the ledger and for nobody else.
 */
export class Settled<Point> {
  readonly #ledger: LedgerLook<Point>;
  #point: Point | null = null;
  #waiting: { readonly point: Point; readonly writers: ReadonlySet<string> } | null = null;

  constructor(ledger: LedgerLook<Point>) {
    this.#ledger = ledger;
  }

  /** Looks again; a read that begins after this sees every row up to the answer. Null while that is nowhere. */
  async look(): Promise<Point | null> {
    // In this order: who wrote before the newest row is either seen here as a writer or has ended.
    const newest = await this.#ledger.newest();
    const open = await this.#ledger.openWriters();
    const waiting = this.#waiting;
    if (open.size === 0) {
      this.#waiting = null;
      this.#point = newest;
    } else if (waiting === null) {
      this.#waiting = { point: newest, writers: open };
    } else {
      // One that is prepared meanwhile keeps its name, as it keeps its locks.
      const writers = new Set([...waiting.writers].filter((writer) => open.has(writer)));
      if (writers.size > 0) this.#waiting = { point: waiting.point, writers };
      else {
        this.#point = waiting.point;
        this.#waiting = { point: newest, writers: open };
      }
    }
    return this.#point;
  }
}
