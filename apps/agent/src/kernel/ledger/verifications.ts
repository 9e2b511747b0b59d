import { messageOf, type JarvisDatabase } from "@jarvis/db";
import { ownKeyId, verifyLedger, type Anchor, type VerificationReport } from "@jarvis/ledger";
import type { Refusal } from "@jarvis/tools/self-extension";

/** Why the whole ledger was computed again. */
export type VerificationCause = "scheduled" | "asked" | "restored";

export interface LedgerVerification {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly cause: VerificationCause;
  readonly report: VerificationReport;
}

interface VerifiedLedger {
  readonly db: JarvisDatabase;
  readonly stateDirectory: string;
  /** The checkpoints that were seen outside of the database. */
  anchors(): Promise<readonly Anchor[]>;
}

/** Computes the whole ledger again, one at a time, and keeps what was found. */
export class Verifications {
  readonly #ledger: VerifiedLedger;
  readonly #onEnd: (problem: Refusal | null) => Promise<void>;
  #running: { readonly since: string; readonly done: Promise<VerificationReport> } | null = null;
  #newest: LedgerVerification | null = null;
  #scheduled: LedgerVerification | null = null;

  /** `onEnd` is told what keeps the ledger from being built upon, and null where it is as it was sealed. */
  constructor(ledger: VerifiedLedger, onEnd: (problem: Refusal | null) => Promise<void>) {
    this.#ledger = ledger;
    this.#onEnd = onEnd;
  }

  get runningSince(): string | null {
    return this.#running?.since ?? null;
  }

  /** The newest that could read the ledger; null until one has. */
  get newest(): LedgerVerification | null {
    return this.#newest;
  }

  /** The newest that nobody asked for. */
  get scheduled(): LedgerVerification | null {
    return this.#scheduled;
  }

  /** Whoever asks while one is under way is answered by that one. */
  async verify(cause: VerificationCause): Promise<VerificationReport> {
    if (this.#running === null) {
      const since = new Date().toISOString();
      const done = this.#verifyNow(cause, since).finally(() => (this.#running = null));
      this.#running = { since, done };
    }
    return await this.#running.done;
  }

  /** When none is under way. */
  async ended(): Promise<void> {
    await this.#running?.done.catch(() => undefined);
  }

  async #verifyNow(cause: VerificationCause, startedAt: string): Promise<VerificationReport> {
    const { db, stateDirectory } = this.#ledger;
    let report: VerificationReport;
    try {
      report = await verifyLedger(db, {
        anchors: await this.#ledger.anchors(),
        ownKeyId: await ownKeyId(db, stateDirectory),
        second: db,
      });
    } catch (error) {
      // What cannot be read cannot be believed: a damaged page, a lost table.
      const detail = `The ledger cannot be read: ${messageOf(error)}`;
      await this.#onEnd({ reason: "ledger-mismatch", detail });
      throw error;
    }
    this.#newest = { startedAt, endedAt: new Date().toISOString(), cause, report };
    if (cause === "scheduled") this.#scheduled = this.#newest;
    await this.#onEnd(problemIn(report));
    return report;
  }
}

function problemIn({ divergences: [first] }: VerificationReport): Refusal | null {
  if (first === undefined) return null;
  const reason = first.attack === "ledger-truncated" ? "ledger-behind" : "ledger-mismatch";
  return { reason, detail: `${first.attack}: ${first.detail}` };
}
