/** An ending that hangs is ended: the next start recovers, as after a crash. */
const LIMIT_MS = 45_000;

/**
 * The one way in which the kernel's process ends. The first cause decides the exit code; what was
 * opened is closed in reverse order, and what is still being opened is waited for and closed too.
 */
export class Lifetime {
  readonly #closers: (() => Promise<unknown>)[] = [];
  readonly #report: (error: unknown) => void;
  readonly #ends = new AbortController();
  #opening: Promise<unknown> = Promise.resolve();
  #exitCode: number | null = null;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Aborted at the beginning of the end, for what would wait for long. */
  get signal(): AbortSignal {
    return this.#ends.signal;
  }

  get ending(): boolean {
    return this.#exitCode !== null;
  }

  /** What the process ends with; null while nothing ended it. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** Opens something; at the end it is closed, also when the end comes while it is being opened. */
  async open<T>(make: () => Promise<T>, close: (made: T) => Promise<unknown>): Promise<T> {
    const made = make().then((value) => {
      this.#closers.push(async () => await close(value));
      return value;
    });
    this.#opening = Promise.allSettled([this.#opening, made]);
    return await made;
  }

  end(exitCode: number): void {
    if (this.ending) return;
    this.#exitCode = exitCode;
    this.#ends.abort();
    setTimeout(() => process.exit(3), LIMIT_MS).unref();
    void this.#close(exitCode);
  }

  async #close(exitCode: number): Promise<void> {
    await this.#opening;
    let code = exitCode;
    for (const close of this.#closers.toReversed()) {
      try {
        await close();
      } catch (error) {
        this.#report(error);
        code = code === 0 ? 3 : code;
      }
    }
    process.exit(code);
  }
}
