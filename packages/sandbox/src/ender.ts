import type { KillReason } from "./types.ts";

/**
 * Why one sandbox has to end, whoever says so: a clock, a watch, the caller, the kill switch. The
 * first reason stays. It exists before the process does, so that no request slips past the switch.
 */
export class Ender {
  #reason: KillReason | undefined;
  #act: (() => void) | undefined;

  get reason(): KillReason | undefined {
    return this.#reason;
  }

  end(reason: KillReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#act?.();
  }

  /** `act` is called once, at the first reason; at once when there is one already. */
  onEnd(act: () => void): void {
    this.#act = act;
    if (this.#reason !== undefined) act();
  }
}
