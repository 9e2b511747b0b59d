import { messageOf } from "@jarvis/db";

/** What runs are doing right now, for people. Lost at a restart; nothing decides by it. */
export class Progress {
  readonly #current = new Map<string, { what: string; since: string }>();
  #lastProblem: string | null = null;

  note(runId: string, what: string): void {
    this.#current.set(runId, { what, since: new Date().toISOString() });
  }

  of(runId: string): { what: string; since: string } | null {
    return this.#current.get(runId) ?? null;
  }

  /** Of every run that is worked on. */
  all(): readonly (readonly [runId: string, { what: string; since: string }])[] {
    return [...this.#current];
  }

  forget(runId: string): void {
    this.#current.delete(runId);
  }

  /** Runs between their first GitHub mutation and the end of their landing. */
  promoting(): string[] {
    return [...this.#current]
      .filter(([, { what }]) => what.startsWith("promote:"))
      .map(([id]) => id);
  }

  problem(error: unknown): void {
    this.#lastProblem = messageOf(error);
  }

  get lastProblem(): string | null {
    return this.#lastProblem;
  }
}
