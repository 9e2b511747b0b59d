export interface SecondaryLimits {
  /** Requests of one login that are served at the same time. */
  concurrent: number;
  /** A read is one point, a write five. */
  pointsPerMinute: number;
  /** Requests that create or change something. */
  contentPerMinute: number;
}

/**
 * How much of GitHub's politeness is asked for. A bucket drains evenly, so a burst of a minute's
 * worth passes and the next one waits.
 */
export class SecondaryLimit {
  readonly #limits: SecondaryLimits;
  readonly #points: Bucket;
  readonly #content: Bucket;
  readonly #running = new Map<string, number>();

  constructor(limits: SecondaryLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#points = new Bucket(limits.pointsPerMinute, now);
    this.#content = new Bucket(limits.contentPerMinute, now);
  }

  /** Undefined when the request may go on, which then has to {@link end}; else seconds to wait. */
  begin(login: string, write: boolean): number | undefined {
    const running = this.#running.get(login) ?? 0;
    // Nobody knows when one of them ends; GitHub says a minute where it does not know.
    if (running >= this.#limits.concurrent) return 60;
    const points = write ? 5 : 1;
    const wait = Math.max(
      this.#points.missingSeconds(login, points),
      write ? this.#content.missingSeconds(login, 1) : 0,
    );
    if (wait > 0) return Math.ceil(wait);
    this.#points.add(login, points);
    if (write) this.#content.add(login, 1);
    this.#running.set(login, running + 1);
    return undefined;
  }

  end(login: string): void {
    const running = this.#running.get(login) ?? 0;
    if (running <= 1) this.#running.delete(login);
    else this.#running.set(login, running - 1);
  }
}

class Bucket {
  readonly #capacity: number;
  readonly #now: () => number;
  readonly #levels = new Map<string, { level: number; at: number }>();

  constructor(perMinute: number, now: () => number) {
    this.#capacity = perMinute;
    this.#now = now;
  }

  /** How long until `amount` fits; 0 when it does. */
  missingSeconds(login: string, amount: number): number {
    const excess = this.#level(login) + amount - this.#capacity;
    return Math.max(0, (excess * 60) / this.#capacity);
  }

  add(login: string, amount: number): void {
    this.#levels.set(login, { level: this.#level(login) + amount, at: this.#now() });
  }

  #level(login: string): number {
    const known = this.#levels.get(login);
    if (known === undefined) return 0;
    const drained = ((this.#now() - known.at) / 60_000) * this.#capacity;
    return Math.max(0, known.level - drained);
  }
}
