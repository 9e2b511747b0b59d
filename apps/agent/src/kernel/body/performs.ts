import type { Json, Problem } from "../../body/protocol.ts";

/**
 * How a call of a tool went. `latencyMs` is measured here, from the order to the answer.
 *
 * Codes of the kernel: `late` no answer in time, `body-gone` the body ended, `withdrawn` the caller
 * gave up, `too-many` calls wait already, `input-too-large`, `not-running`. Any other is the body's,
 * with its own text.
 */
export type PerformOutcome = { readonly latencyMs: number } & (
  | { readonly ok: true; readonly output: Json }
  | { readonly ok: false; readonly error: Problem; readonly by: "kernel" | "body" }
);

interface Pending {
  readonly settle: (answer: Answer) => void;
}

type Answer = { ok: true; output: Json } | { ok: false; error: Problem; by: "kernel" | "body" };

/** Late answers are expected for so many orders that nobody waits for any more. */
const REMEMBERED = 1000;

/** The orders that a body has not answered yet. Each is settled exactly once. */
export class Performs {
  readonly #pending = new Map<number, Pending>();
  readonly #abandoned = new Set<number>();
  #last = 0;
  /** Answers of the body that were errors. */
  errorsSeen = 0;

  get waiting(): number {
    return this.#pending.size;
  }

  /** Gives an order a number, sends it, and waits for its answer. `withdraw` tells the body not to. */
  async order(
    send: (id: number) => Answer | null,
    withdraw: (id: number) => void,
    options: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<PerformOutcome> {
    const id = ++this.#last;
    const startedAt = performance.now();
    return await new Promise((resolve) => {
      const giveUp = (error: Problem): void => {
        this.#settle(id, { ok: false, error, by: "kernel" });
        this.#abandon(id);
        withdraw(id);
      };
      const abort = (): void => giveUp({ code: "withdrawn", message: "The caller gave up." });
      const clock = setTimeout(() => {
        giveUp({ code: "late", message: `No answer within ${options.timeoutMs} ms.` });
      }, options.timeoutMs);
      options.signal?.addEventListener("abort", abort, { once: true });
      this.#pending.set(id, {
        settle: (answer) => {
          clearTimeout(clock);
          options.signal?.removeEventListener("abort", abort);
          resolve({ ...answer, latencyMs: performance.now() - startedAt });
        },
      });
      const refusal =
        options.signal?.aborted === true ? problemOf("withdrawn", "The caller gave up.") : send(id);
      if (refusal !== null) this.#settle(id, refusal);
    });
  }

  /** An answer of the body. False where nothing was asked under that number. */
  answered(
    id: number,
    answer: { ok: true; output: Json } | { ok: false; error: Problem },
  ): boolean {
    const isKnown = this.#pending.has(id) || this.#abandoned.delete(id);
    if (isKnown && !answer.ok) this.errorsSeen += 1;
    this.#settle(id, answer.ok ? answer : { ...answer, by: "body" });
    return isKnown;
  }

  /** The body is gone: nobody will answer. */
  end(message: string): void {
    for (const id of this.#pending.keys()) this.#settle(id, problemOf("body-gone", message));
  }

  #settle(id: number, answer: Answer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.settle(answer);
  }

  #abandon(id: number): void {
    this.#abandoned.add(id);
    const [oldest] = this.#abandoned;
    if (this.#abandoned.size > REMEMBERED && oldest !== undefined) this.#abandoned.delete(oldest);
  }
}

export function problemOf(code: string, message: string): Extract<Answer, { ok: false }> {
  return { ok: false, error: { code, message }, by: "kernel" };
}
