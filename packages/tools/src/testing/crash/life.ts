import { AsyncLocalStorage } from "node:async_hooks";

/**
 * A kernel's life in a test: everything that it asks of the world goes through here, and it can end
 * at any of it. A life that has ended hears of nothing any more, and nothing that it does reaches
 * the world: as after SIGKILL, what it had asked for is done, and nobody is there for the answer.
 */
export class Life {
  /** Every answer of the world so far, in order: what was asked, and the how-manieth time. */
  readonly points: string[] = [];
  readonly died: Promise<void>;
  readonly #killAt: string | null;
  readonly #times = new Map<string, number>();
  readonly #awaited = new Map<string, () => void>();
  #tellDeath: () => void = () => undefined;
  #isDead = false;

  /** @param killAt The point at which it ends; null for a life that is watched only. */
  constructor(killAt: string | null) {
    this.#killAt = killAt;
    this.died = new Promise((resolve) => (this.#tellDeath = resolve));
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Whether whoever asked lives to see the answer. Only what is asked within `lives` is a point. */
  outlives(asked: string): boolean {
    if (this.#isDead) return false;
    if (lives.getStore() !== this) return true;
    const times = (this.#times.get(asked) ?? 0) + 1;
    this.#times.set(asked, times);
    const point = `${asked} (${times})`;
    this.points.push(point);
    if (point === this.#killAt) this.end();
    else this.#awaited.get(point)?.();
    return !this.#isDead;
  }

  /** Waits until that point is reached, and for ever where it is not. */
  async reach(point: string): Promise<void> {
    await new Promise<void>((resolve) => this.#awaited.set(point, resolve));
  }

  /** Asks the world; never answers to the dead. */
  async ask<T>(asked: string, work: () => PromiseLike<T>): Promise<T> {
    if (this.#isDead) return await nothing();
    const answer = await Promise.resolve(work()).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if (!this.outlives(asked)) return await nothing();
    if ("error" in answer) throw answer.error;
    return answer.value;
  }

  end(): void {
    this.#isDead = true;
    this.#tellDeath();
  }
}

/** Whose work the code that runs now is. */
export const lives = new AsyncLocalStorage<Life>();

async function nothing(): Promise<never> {
  return await new Promise(() => undefined);
}
