import { setTimeout as sleep } from "node:timers/promises";
import { Settled } from "@jarvis/db";
import type { LedgerReader } from "./ledger-reader.ts";
import { eventMessage, transient } from "./messages.ts";
import { Ring, type RingLimits } from "./ring.ts";

const PAGE = 500;
const defaultLimits: RingLimits = { messages: 4096, characters: 8_000_000 };
/** How long a read that failed waits before it is repeated; what it missed is still there. */
const AGAIN_MS = 500;
const EARLIER = 1000;

export interface FeedClient {
  /** The number of the next message it is sent. */
  next: number;
  /** Wakes it up when there is a message. */
  wake(): void;
  /** The ring has passed it, or the feed ends: what it was not sent has to be read again. */
  drop(): void;
}

interface FeedOptions {
  readonly limits?: RingLimits;
  readonly onProblem: (error: unknown) => void;
}

/**
 * Reads the ledger once for all clients: whenever the database says that something was committed, the
 * rows behind the last settled one are read and put into the ring.
 *
 * Rows that are not settled yet are sent at once all the same; their message names the last id that
 * is, so that a client which resumes there may be sent a row twice but never misses one.
 */
export class LiveFeed {
  readonly ring: Ring;
  readonly #reader: LedgerReader;
  readonly #settled: Settled<number>;
  readonly #clients = new Set<FeedClient>();
  readonly #onProblem: (error: unknown) => void;
  #sent = new Set<number>();
  #from: number;
  #reading: Promise<void> | null = null;
  #isDirty = false;
  #isStopped = false;

  private constructor(reader: LedgerReader, from: number, options: FeedOptions) {
    this.#reader = reader;
    this.#from = from;
    this.#settled = new Settled(reader);
    this.#onProblem = options.onProblem;
    this.ring = new Ring(options.limits ?? defaultLimits);
  }

  /** A feed of what is committed from now on. */
  static async open(reader: LedgerReader, options: FeedOptions): Promise<LiveFeed> {
    // Where somebody writes just now: a little earlier, which is told twice rather than missed.
    const settled = (await new Settled(reader).look()) ?? 0;
    const from = Math.max(settled, (await reader.newest()) - EARLIER);
    return new LiveFeed(reader, from, options);
  }

  /** A client that was sent everything so far goes on behind this id. */
  get place(): number {
    return this.#from;
  }

  get clients(): number {
    return this.#clients.size;
  }

  join(client: FeedClient): () => void {
    this.#clients.add(client);
    return () => this.#clients.delete(client);
  }

  /** Something was committed. Calls while a read is under way lead to one more read. */
  notice(): void {
    this.#isDirty = true;
    this.#reading ??= this.#readAll();
  }

  /** Once everything is read that is committed now, or half a second later where the database is slow. */
  async upToDate(): Promise<void> {
    this.notice();
    await Promise.race([this.#reading, sleep(AGAIN_MS, undefined, { ref: false })]);
  }

  /** Tells clients something that is not in the ledger; nobody is sent it again. */
  tell(name: string, data: unknown): void {
    this.#push(transient(name, data), null);
    this.#wakeAll();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const client of this.#clients) client.drop();
    await this.#reading;
  }

  async #readAll(): Promise<void> {
    while (this.#isDirty && !this.#isStopped) {
      this.#isDirty = false;
      try {
        await this.#sweep();
      } catch (error) {
        this.#onProblem(error);
        this.#isDirty = true;
        await sleep(AGAIN_MS);
      }
    }
    // Here and not later: what is noticed from now on begins a read of its own.
    this.#reading = null;
  }

  async #sweep(): Promise<void> {
    const settled = (await this.#settled.look()) ?? this.#from;
    let at = this.#from;
    for (;;) {
      const events = await this.#reader.after(at, PAGE);
      for (const event of events) {
        at = Number(event.id);
        if (at <= settled) this.#from = at;
        const isSent = this.#sent.has(at);
        this.#sent.add(at);
        if (!isSent) this.#push(eventMessage(event, this.#from), at);
      }
      this.#wakeAll();
      if (events.length < PAGE) break;
    }
    this.#sent = new Set([...this.#sent].filter((id) => id > this.#from));
  }

  #push(text: string, rowId: number | null): void {
    if (!this.ring.push({ text, rowId })) return;
    for (const client of this.#clients) if (client.next < this.ring.first) client.drop();
  }

  #wakeAll(): void {
    for (const client of this.#clients) client.wake();
  }
}
