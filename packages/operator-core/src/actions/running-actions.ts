import { actionProposals } from "@jarvis/db";
import type { JarvisDatabase } from "@jarvis/db";
import { and, eq, lt, sql } from "drizzle-orm";

/** How long an executor may be silent before others close what it began. */
export const leaseMs = 5_000;

// Well below the 250 ms in which a kill has to be seen, also when its message is lost.
const lookEveryMs = 150;

/** A time of the database's clock, which all executors share. */
export function inMs(delayMs: number) {
  return sql`clock_timestamp() + ${delayMs}::int * interval '1 millisecond'`;
}

/**
 * What one executor runs right now. While there is anything, it looks at the rows: it renews the
 * lease and stops what somebody asked to stop, or what others closed.
 */
export class RunningActions {
  readonly #db: JarvisDatabase;
  readonly #executorId: string;
  readonly #stops = new Map<number, AbortController>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #heardAt = 0;

  constructor(db: JarvisDatabase, executorId: string) {
    this.#db = db;
    this.#executorId = executorId;
  }

  /** Counts a claimed proposal among the running. The signal is aborted with the reason. */
  add(proposalId: number): AbortSignal {
    const stop = new AbortController();
    if (this.#stops.size === 0) this.#heardAt = performance.now();
    this.#stops.set(proposalId, stop);
    this.#timer ??= setInterval(() => this.look(), lookEveryMs);
    return stop.signal;
  }

  /** The proposals that run here. */
  ids(): number[] {
    return [...this.#stops.keys()];
  }

  remove(proposalId: number): void {
    this.#stops.delete(proposalId);
    if (this.#stops.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  stop(proposalId: number, reason: string): void {
    this.#stops.get(proposalId)?.abort(reason);
  }

  stopAll(reason: string): void {
    for (const id of this.#stops.keys()) this.stop(id, reason);
  }

  /** Looks now, unless it looks already. */
  look(): void {
    if (this.#looking || this.#stops.size === 0) return;
    this.#looking = true;
    void this.#look().finally(() => {
      this.#looking = false;
    });
  }

  // Must not throw: a database that does not answer is noticed by its silence.
  async #look(): Promise<void> {
    const known = this.ids();
    try {
      const rows = await this.#readAndRenew();
      this.#heardAt = performance.now();
      for (const id of known) {
        const row = rows.get(id);
        if (row === undefined) this.stop(id, "it was closed by somebody else");
        else if (row.stopReason !== null) this.stop(id, row.stopReason);
      }
    } catch {
      if (performance.now() - this.#heardAt > leaseMs) {
        this.stopAll("the database did not answer for longer than the lease");
      }
    }
  }

  async #readAndRenew(): Promise<Map<number, { stopReason: string | null }>> {
    const mine = and(
      eq(actionProposals.executorId, this.#executorId),
      eq(actionProposals.state, "executing"),
    );
    await this.#db
      .update(actionProposals)
      .set({ leaseExpiresAt: inMs(leaseMs) })
      .where(and(mine, lt(actionProposals.leaseExpiresAt, inMs(leaseMs * 0.8))));
    const rows = await this.#db
      .select({ id: actionProposals.id, stopReason: actionProposals.stopReason })
      .from(actionProposals)
      .where(mine);
    return new Map(rows.map((row) => [row.id, row]));
  }
}
