import { setTimeout as sleep } from "node:timers/promises";
import { ledgerWriters, type JarvisDatabase } from "@jarvis/db";

/** What is announced, by the name of the table; anything else is not for us. */
const announced = ["self_extension_events", "action_audit_log"] as const;
export type AnnouncedLedger = (typeof announced)[number];

const FIRST_MS = 20;
/** Whoever writes for longer is found by the look that happens anyway. */
const LAST_MS = 320;

/**
 * Turns announcements into looks. Of those that write at the same time only one announces (migration
 * 0012), so a look is repeated until those that were writing during it have ended.
 */
export class Announced {
  readonly #db: JarvisDatabase;
  readonly #look: (ledger: AnnouncedLedger) => void;
  readonly #onProblem: (error: unknown) => void;
  readonly #following = new Set<AnnouncedLedger>();
  readonly #news = new Set<AnnouncedLedger>();
  readonly #stopping = new AbortController();

  constructor(
    db: JarvisDatabase,
    look: (ledger: AnnouncedLedger) => void,
    onProblem: (error: unknown) => void,
  ) {
    this.#db = db;
    this.#look = look;
    this.#onProblem = onProblem;
  }

  notice(table: string): void {
    const ledger = announced.find((name) => name === table);
    if (ledger === undefined) return;
    this.#look(ledger);
    this.#news.add(ledger);
    if (!this.#following.has(ledger)) void this.#follow(ledger);
  }

  /** Looks no more. What is asked of a database that is gone may never be answered: nobody waits. */
  stop(): void {
    this.#stopping.abort();
  }

  async #follow(ledger: AnnouncedLedger): Promise<void> {
    this.#following.add(ledger);
    try {
      while (this.#news.delete(ledger)) await this.#untilQuiet(ledger);
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#onProblem(error);
    } finally {
      // At once after the last look at the news: what is announced from now on is followed anew.
      this.#following.delete(ledger);
    }
  }

  async #untilQuiet(ledger: AnnouncedLedger): Promise<void> {
    const { signal } = this.#stopping;
    for (let wait = FIRST_MS; wait <= LAST_MS; wait *= 2) {
      if ((await ledgerWriters(this.#db, [ledger])).size === 0) return;
      await sleep(wait, undefined, { signal });
      this.#look(ledger);
    }
  }
}
