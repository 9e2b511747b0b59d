/** An ending that hangs is ended: the next start recovers, as after a crash. */
const LIMIT_MS = 45_000;

/**
 * The one way in which the kernel's process ends. The first cause decides the exit code; what was
 * opened is closed in reverse order, and what is still being opened is waited for and closed too.
 */
export class Lifetime {
  readonly #closers: (() => Promise<unknown>)[] = [];
  readonly #report: (error: unknown) => void;
  #opening: Promise<unknown> = Promise.resolve();
  #ending = false;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  get ending(): boolean {
    return this.#ending;
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
    if (this.#ending) return;
    this.#ending = true;
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
