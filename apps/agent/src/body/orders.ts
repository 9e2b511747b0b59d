import { BodyToolError, KernelOrder, type BodyTools } from "@jarvis/tools/body";
import type { Json, Problem, ToBody } from "./protocol.ts";

type Perform = Extract<ToBody, { type: "perform" }>;

export type OrderOutcome = { ok: true; output: Json } | { ok: false; error: Problem };

/** Calls of tools that the kernel ordered; counted, timed, and stopped when it withdraws them. */
export class Orders {
  readonly #tools: Pick<BodyTools, "announced" | "carryOut">;
  readonly #ask: (tool: string, input: Json) => Promise<Json>;
  readonly #running = new Map<number, AbortController>();
  readonly #timeouts: ReadonlyMap<string, number>;
  calls = 0;
  errors = 0;

  /** `ask` asks the kernel for a call, which is how one tool calls another. */
  constructor(
    tools: Pick<BodyTools, "announced" | "carryOut">,
    ask: (tool: string, input: Json) => Promise<Json>,
  ) {
    this.#tools = tools;
    this.#ask = ask;
    this.#timeouts = new Map(tools.announced.map(({ name, timeoutMs }) => [name, timeoutMs]));
  }

  /** Never rejects. */
  async carryOut(order: Perform): Promise<OrderOutcome> {
    const stop = new AbortController();
    this.#running.set(order.id, stop);
    this.calls += 1;
    const outcome = await this.#run(order, stop.signal);
    this.#running.delete(order.id);
    if (!outcome.ok) this.errors += 1;
    return outcome;
  }

  cancel(id: number): void {
    this.#running.get(id)?.abort(new Error("the kernel withdrew the order"));
  }

  async #run(order: Perform, withdrawn: AbortSignal): Promise<OrderOutcome> {
    const timeout = AbortSignal.timeout(this.#timeouts.get(order.tool) ?? 10_000);
    const signal = AbortSignal.any([withdrawn, timeout]);
    try {
      const work = this.#tools.carryOut(KernelOrder.fromMessage(order), {
        signal,
        call: async (name, input) => await this.#ask(name, jsonOf(input)),
      });
      return { ok: true, output: jsonOf(await Promise.race([work, rejectedBy(signal)])) };
    } catch (error) {
      return { ok: false, error: problemOf(error, signal) };
    }
  }
}

/** What JSON makes of a value, so that what is judged is what was sent. */
function jsonOf(value: unknown): Json {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? null : (JSON.parse(text) as Json);
}

async function rejectedBy(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

function problemOf(error: unknown, signal: AbortSignal): Problem {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 2000);
  if (signal.aborted) return { code: "timed-out", message };
  return { code: error instanceof BodyToolError ? error.code : "tool-failed", message };
}
