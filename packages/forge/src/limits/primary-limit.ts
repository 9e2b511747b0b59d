export interface PrimaryState {
  limit: number;
  used: number;
  remaining: number;
  /** When the count starts again, in seconds since 1970. */
  resetSeconds: number;
}

interface Window {
  used: number;
  endsAt: number;
}

/** So many requests an hour for each login, counted from its first request, as on GitHub. */
export class PrimaryLimit {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #windows = new Map<string, Window>();

  constructor(options: { limit: number; windowMs?: number; now?: () => number }) {
    this.#limit = options.limit;
    this.#windowMs = options.windowMs ?? 3_600_000;
    this.#now = options.now ?? Date.now;
  }

  state(login: string): PrimaryState {
    const { used, endsAt } = this.#window(login);
    return {
      limit: this.#limit,
      used,
      remaining: Math.max(0, this.#limit - used),
      resetSeconds: Math.ceil(endsAt / 1000),
    };
  }

  /** Counts a request; false, and nothing counted, when none is left. */
  take(login: string): boolean {
    const window = this.#window(login);
    if (window.used >= this.#limit) return false;
    window.used += 1;
    this.#windows.set(login, window);
    return true;
  }

  /** For an answer that is not counted after all. */
  giveBack(login: string): void {
    const window = this.#window(login);
    window.used = Math.max(0, window.used - 1);
  }

  /** From here on, whatever was used before. */
  set(login: string, budget: { remaining: number; resetInSeconds: number }): void {
    this.#windows.set(login, {
      used: Math.max(0, this.#limit - budget.remaining),
      endsAt: this.#now() + budget.resetInSeconds * 1000,
    });
  }

  /** As if nobody had asked anything yet. */
  clear(): void {
    this.#windows.clear();
  }

  #window(login: string): Window {
    const now = this.#now();
    const window = this.#windows.get(login);
    return window === undefined || now >= window.endsAt
      ? { used: 0, endsAt: now + this.#windowMs }
      : window;
  }
}
