import { setTimeout as sleep } from "node:timers/promises";
import {
  DatabaseError,
  releaseLease,
  renewLease,
  type LeaseHolder,
  type SqlClient,
} from "@jarvis/db";

/** A lease is renewed so often within its time, so that a few slow answers cost nothing. */
const RENEWALS = 5;
const RELEASE_MS = 1000;

export interface LeadershipParts {
  /** A client for the lease alone. */
  readonly sql: SqlClient;
  readonly epoch: number;
  readonly holder: LeaseHolder;
  readonly ttlMs: number;
  /** Before the lease was asked for, by `performance.now()`. */
  readonly askedAt: number;
  /** Told once that this kernel may change nothing any more. Has to end the process. */
  readonly onLost: (error: Error) => void;
}

/**
 * This kernel's lead over the others on its database, for as long as it is renewed. What the database
 * is told is refused there once another one leads; whatever goes elsewhere asks `confirm` before.
 *
 * It counts from before each question was asked and the database from when it heard it, so that this
 * kernel gives up first. A process that was stopped finds its time over when it wakes up.
 */
export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #timer: NodeJS.Timeout;
  #holder: LeaseHolder;
  #validUntil: number;
  #renewAt: number;
  #isRenewing = false;
  #isOver = false;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
    this.#holder = parts.holder;
    this.#validUntil = parts.askedAt + parts.ttlMs;
    this.#renewAt = performance.now() + parts.ttlMs / RENEWALS;
    this.#timer = setInterval(() => this.#tick(), parts.ttlMs / RENEWALS / 4);
  }

  get epoch(): number {
    return this.#parts.epoch;
  }

  get holder(): LeaseHolder {
    return this.#holder;
  }

  /** Says where this kernel answers, with the next renewal. */
  answersAt(url: string): void {
    this.#holder = { ...this.#holder, url };
  }

  /** Resolves when the database says that this kernel leads, just now. Never, where it does not. */
  async confirm(): Promise<void> {
    for (;;) {
      const answer = await this.#renew();
      // The answer may have come to a process that was stopped meanwhile.
      if (answer === "leads" && !this.#hasRunOut()) return;
      if (answer === "over" || this.#hasRunOut()) return await this.#lose();
      await sleep(50);
    }
  }

  /** Gives the lead back, so that the next one need not wait. To be called when nothing is left to do. */
  async release(): Promise<void> {
    if (this.#isOver) return;
    this.#stop();
    const { sql } = this.#parts;
    // A database that does not answer lets the lease run out by itself.
    const released = releaseLease(sql, this.epoch).catch(() => undefined);
    await Promise.race([released, sleep(RELEASE_MS)]);
    await sql.end({ timeout: 0 });
  }

  #tick(): void {
    if (this.#hasRunOut()) void this.#lose();
    if (this.#isOver || this.#isRenewing || performance.now() < this.#renewAt) return;
    this.#isRenewing = true;
    void this.#renew().then((answer) => {
      this.#isRenewing = false;
      if (answer === "over") void this.#lose();
    });
  }

  async #renew(): Promise<"leads" | "over" | "unknown"> {
    const askedAt = performance.now();
    try {
      const silent = sleep(Math.max(0, this.#validUntil - askedAt), "unknown" as const);
      const asked = renewLease(this.#parts.sql, this.epoch, this.#holder);
      const leads = await Promise.race([asked, silent]);
      asked.catch(() => undefined);
      if (leads === "unknown") return "unknown";
      if (!leads) return "over";
    } catch {
      return "unknown";
    }
    this.#validUntil = Math.max(this.#validUntil, askedAt + this.#parts.ttlMs);
    this.#renewAt = askedAt + this.#parts.ttlMs / RENEWALS;
    return "leads";
  }

  #hasRunOut(): boolean {
    return performance.now() >= this.#validUntil;
  }

  #stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  async #lose(): Promise<never> {
    if (!this.#isOver) {
      this.#stop();
      const why = this.#hasRunOut()
        ? "this kernel could not renew its lease on the database in time"
        : "another kernel leads now";
      this.#parts.onLost(
        new DatabaseError(
          "leadership-lost",
          `The lead was lost (${why}), so this kernel ends: start it again to stand by.`,
        ),
      );
    }
    return await new Promise<never>(() => undefined);
  }
}
