import { setTimeout as sleep } from "node:timers/promises";
import { ModelError, type ModelErrorCode, type ModelPort } from "./model-port.ts";

export interface Patience {
  /** Tries in all. */
  readonly tries: number;
  readonly firstPauseMs: number;
  /** Nobody waits longer for one more try, whatever the host asks for. */
  readonly longestPauseMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

const ordinary: Patience = {
  tries: 5,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
  random: Math.random,
};

const passing: ReadonlySet<ModelErrorCode> = new Set<ModelErrorCode>([
  "rate-limited",
  "overloaded",
  "unreachable",
  "cut",
  "silent",
]);

/**
 * Tries again what passes by waiting, as long as the host asks for. Asking a model twice changes
 * nothing in the world but the bill, which counts each try.
 */
export function patientModel(model: ModelPort, patience: Patience = ordinary): ModelPort {
  return {
    name: model.name,
    async ask(request, signal) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await model.ask(request, signal);
        } catch (error) {
          const pauseMs = error instanceof ModelError ? pauseAfter(error, tries, patience) : null;
          if (pauseMs === null) throw error;
          await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
          if (signal.aborted) {
            throw new ModelError("stopped", "The request to the model was stopped.");
          }
        }
      }
    },
  };
}

/** How long to wait before the next try; null where none helps. Pure but for chance. */
export function pauseAfter(error: ModelError, tries: number, patience: Patience): number | null {
  if (!passing.has(error.code) || tries >= patience.tries) return null;
  const asked = error.retryAfterMs;
  if (asked !== null) return asked > patience.longestPauseMs ? null : asked;
  const full = Math.min(patience.longestPauseMs, patience.firstPauseMs * 2 ** (tries - 1));
  return full / 2 + (full / 2) * patience.random();
}
