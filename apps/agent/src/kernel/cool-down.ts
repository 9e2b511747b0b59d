/** Pauses between attempts of which none succeeds, each twice as long as the one before. */
export class CoolDown {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #pauseMs: number;
  #untilMs = 0;

  constructor({ firstMs, longestMs }: { firstMs: number; longestMs: number }) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#pauseMs = firstMs;
  }

  get isOver(): boolean {
    return performance.now() >= this.#untilMs;
  }

  /** An attempt begins: until it is known to have succeeded, by `reset`, it counts as one that fails. */
  begin(): void {
    this.#untilMs = performance.now() + this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#longestMs);
  }

  reset(): void {
    this.#pauseMs = this.#firstMs;
    this.#untilMs = 0;
  }
}
