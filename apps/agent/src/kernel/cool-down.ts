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

/** The same for what is tried for one thing after another: the next one waits for nothing. */
export class CoolDownOf {
  readonly #coolDown: CoolDown;
  #of: string | null = null;

  constructor(pauses: ConstructorParameters<typeof CoolDown>[0]) {
    this.#coolDown = new CoolDown(pauses);
  }

  isOverFor(of: string): boolean {
    return this.#of !== of || this.#coolDown.isOver;
  }

  begin(of: string): void {
    if (this.#of !== of) this.#coolDown.reset();
    this.#of = of;
    this.#coolDown.begin();
  }

  reset(): void {
    this.#coolDown.reset();
  }
}
