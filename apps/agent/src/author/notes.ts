import type { ScratchTree } from "@jarvis/tools/self-extension";
import type { Called } from "./author-tools.ts";
import type { Tried } from "./diagnostics.ts";

const LINES = 40;
const LINE_CHARACTERS = 200;

/** What an attempt planned and did, for its report. The words are a model's and a candidate's. */
export class Notes {
  readonly #scratch: Pick<ScratchTree, "changed">;
  readonly #did: string[] = [];
  #plan: readonly string[] = [];

  constructor(scratch: Pick<ScratchTree, "changed">) {
    this.#scratch = scratch;
  }

  take({ plan, did }: Pick<Called, "plan" | "did">): void {
    this.#plan = plan ?? this.#plan;
    if (did !== undefined) this.#did.push(did);
  }

  /** The newest lines, where there are more than a report holds. */
  tried(): Tried {
    const changed = this.#scratch.changed().map((path) => `changed ${path}`);
    return {
      plan: [...this.#plan],
      tried: [...changed.slice(0, LINES / 2), ...this.#did.slice(-LINES / 2)].map((line) =>
        line.slice(0, LINE_CHARACTERS),
      ),
    };
  }
}
