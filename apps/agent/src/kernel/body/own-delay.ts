const EVERY_MS = 10;
/** What an idle machine does not keep a timer waiting for. */
const TOLERATED_MS = 25;

/**
 * Notices when this process itself is kept waiting, by the machine or by its own work. A time that
 * it measures meanwhile says nothing about who it asked.
 */
export class OwnDelay {
  readonly #timer: NodeJS.Timeout;
  #expectedAtMs = performance.now() + EVERY_MS;
  #lateAtMs = -Infinity;

  constructor() {
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
    this.#timer.unref();
  }

  /** Whether it was kept waiting at any time since then, by the monotonic clock. */
  wasLateSince(sinceMs: number): boolean {
    this.#look();
    return this.#lateAtMs >= sinceMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    if (nowMs - this.#expectedAtMs > TOLERATED_MS) this.#lateAtMs = nowMs;
    this.#expectedAtMs = nowMs + EVERY_MS;
  }
}
