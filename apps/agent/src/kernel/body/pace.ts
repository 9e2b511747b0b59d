import { setTimeout as sleep } from "node:timers/promises";

/** Lets so many begin in a second, and one second's worth at once after a quiet time. */
export class Pace {
  readonly #everyMs: number;
  #nextAtMs = 0;

  constructor(perSecond: number) {
    this.#everyMs = 1000 / perSecond;
  }

  /** Resolves when the next one may begin, in the order of the calls. */
  async next(): Promise<void> {
    const nowMs = performance.now();
    this.#nextAtMs = Math.max(this.#nextAtMs + this.#everyMs, nowMs - 1000);
    if (this.#nextAtMs > nowMs) await sleep(this.#nextAtMs - nowMs);
  }
}
