import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../errors.ts";
import type { ActionContext, ActionDefinition } from "./action-definition.ts";
import { ActionProcesses } from "./action-processes.ts";
import { ExecutionPermit, requirePermit } from "./execution-permit.ts";

/** How running an action ended. `settled` is false when it went on after it was told to stop. */
export type AttemptsEnd = { attempts: number; settled: boolean } & (
  | { ended: "completed"; result: unknown }
  | { ended: "failed"; error: string }
  | { ended: "stopped"; reason: string }
);

export type AttemptLimits = {
  /** For idempotent actions; every other action has one attempt. */
  maxAttempts: number;
  firstDelayMs: number;
  maxDelayMs: number;
  /** How long an action may take to end after it was told to. */
  graceMs: number;
};

export const attemptLimits: AttemptLimits = {
  maxAttempts: 3,
  firstDelayMs: 200,
  maxDelayMs: 5_000,
  graceMs: 1_000,
};

type Run = {
  definition: ActionDefinition;
  parameters: unknown;
  proposalId: number;
  /** Aborted with the reason as a text. */
  stop: AbortSignal;
  /** Looked at before each attempt: null when it may begin, or why not. */
  blocked: () => Promise<string | null>;
  /** Performs an action within this one, to be stopped by the signal. */
  perform: (signal: AbortSignal) => ActionContext["perform"];
  limits: AttemptLimits;
  /** From 0 to 1; spreads the retries of many executors. */
  random: () => number;
};

/** Runs an action until it completes, fails for good, or is told to stop. Must not throw. */
export async function runAttempts(run: Run): Promise<AttemptsEnd> {
  const { definition, limits, stop } = run;
  const maxAttempts = definition.idempotent ? limits.maxAttempts : 1;
  for (let attempt = 1; ; attempt += 1) {
    const blocked = await run.blocked().catch(messageOf);
    // The order to stop may have come while that was looked up.
    const reason = stop.aborted ? String(stop.reason) : blocked;
    if (reason !== null) {
      return { ended: "stopped", reason, attempts: attempt - 1, settled: true };
    }
    const end = await runOnce(run, attempt);
    // What did not settle may still be working: a second one beside it is not the same as one.
    if (end.ended !== "failed" || attempt >= maxAttempts || !end.settled) return end;
    const delayMs = backoffMs(attempt, limits, run.random());
    await sleep(delayMs, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) {
      return { ended: "stopped", reason: String(stop.reason), attempts: attempt, settled: true };
    }
  }
}

/** Doubles each time up to the limit, and takes between half and all of it. */
export function backoffMs(
  attempt: number,
  limits: Pick<AttemptLimits, "firstDelayMs" | "maxDelayMs">,
  random: number,
): number {
  const full = Math.min(limits.maxDelayMs, limits.firstDelayMs * 2 ** (attempt - 1));
  return full / 2 + (full / 2) * random;
}

async function runOnce(run: Run, attempt: number): Promise<AttemptsEnd> {
  const { definition, stop, limits, proposalId } = run;
  const timeout = AbortSignal.timeout(definition.timeoutMs);
  const signal = AbortSignal.any([stop, timeout]);
  const permit = ExecutionPermit.issue(proposalId);
  const processes = new ActionProcesses(signal);
  const perform = run.perform(signal);
  const context: ActionContext = {
    permit,
    proposalId,
    attempt,
    signal,
    runProcess: async (request) => await processes.run(request),
    async perform(actionName, parameters) {
      // What has ended asks for nothing more, whoever kept the way to ask.
      requirePermit(permit, proposalId);
      return await perform(actionName, parameters);
    },
  };
  const work = begin(async () => await definition.run(run.parameters, context));
  const first = await Promise.race([work, aborted(signal)]);
  // What completes although it was told to stop did complete: the ledger says what happened.
  const outcome =
    first === "aborted"
      ? await Promise.race([work, sleep(limits.graceMs, "late" as const)])
      : first;
  permit.end();
  // Whatever it started ends with it, and an end is not told before that.
  const isGone = await processes.end();
  const facts = { attempts: attempt, settled: outcome !== "late" && isGone };
  if (outcome !== "late" && "result" in outcome) {
    return { ended: "completed", result: outcome.result, ...facts };
  }
  // The first cause wins: an action that fails because it was stopped was stopped.
  if (stop.aborted) return { ended: "stopped", reason: String(stop.reason), ...facts };
  const late = outcome === "late" || timeout.aborted;
  const error = late ? `timed out after ${definition.timeoutMs} ms` : outcome.error;
  return { ended: "failed", error, ...facts };
}

type Outcome = { result: unknown } | { error: string };

// Also a definition that throws before its first await has failed, and nothing more.
async function begin(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { result: await work() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

async function aborted(signal: AbortSignal): Promise<"aborted"> {
  if (signal.aborted) return "aborted";
  return await new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
}
