import { setTimeout as sleep } from "node:timers/promises";

/**
 * What the stages of workflows pass through. While it is closed none begins: a run stands at its
 * stage boundary, and goes on when the gate is opened, or with the next kernel.
 */
export class StageGate {
  readonly #waiting: (() => void)[] = [];
  readonly #whenIdle: (() => void)[] = [];
  #isClosed = false;
  #busy = 0;

  /** How many stages are under way. */
  get busy(): number {
    return this.#busy;
  }

  close(): void {
    this.#isClosed = true;
  }

  open(): void {
    this.#isClosed = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  async pass<T>(stage: () => Promise<T>): Promise<T> {
    while (this.#isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#busy += 1;
    try {
      return await stage();
    } finally {
      this.#busy -= 1;
      if (this.#busy === 0) for (const tell of this.#whenIdle.splice(0)) tell();
    }
  }

  /** Waits until no stage is under way, no longer than `ms`; rejects with the signal. */
  async drained(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#busy === 0) return;
    const limit = new AbortController();
    const idle = new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    const clock = sleep(ms, undefined, { signal: AbortSignal.any([signal, limit.signal]) });
    try {
      await Promise.race([idle, clock]);
    } finally {
      limit.abort();
      clock.catch(() => undefined);
    }
  }
}
