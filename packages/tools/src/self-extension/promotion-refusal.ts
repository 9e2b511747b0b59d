import type { ExecutionOutcome, StartRefusal, ValidationOutcome } from "@jarvis/operator-core";
import type { BlockReason } from "./block-reasons.ts";
import { observesOnly } from "./promotion-gate.ts";
import type { Refusal } from "./proposal.ts";

/**
 * What a promotion that runs may be stopped by: the kill switch as it reads it itself, its time limit,
 * or the executor, which was told to or lost its hold on the action.
 */
export type StopCause = "killed" | "timed-out" | "executor";

/** Why a promotion was not valid. */
export function whyInvalid(validation: Exclude<ValidationOutcome, { outcome: "valid" }>): Refusal {
  if (validation.outcome === "conflict") return observesOnly;
  const detail = validation.errors.map(({ path, message }) => `${path} ${message}`.trim());
  const isSession = validation.errors.every(({ path }) => path === "session");
  return {
    reason: isSession ? "session-at-risk" : "action-denied",
    detail: `The promotion was refused: ${detail.join("; ")}.`,
  };
}

const refusals: Record<StartRefusal, BlockReason> = {
  // Cancelled between its validation and its start, by a switch that was turned meanwhile.
  "not-executable": "observe-only",
  "lost-race": "observe-only",
  "approval-needed": "session-at-risk",
  "session-observe-only": "session-at-risk",
  changed: "action-denied",
  "unknown-action": "action-denied",
  "definition-changed": "action-denied",
  denied: "action-denied",
  "approval-invalid": "action-denied",
  "approval-expired": "action-denied",
};

/** Why a promotion that the executor was given never ran. */
export function whyNotBegun(
  outcome: ExecutionOutcome,
  { killed }: { readonly killed: boolean },
): Refusal {
  if (outcome.outcome === "refused") {
    const reason = refusals[outcome.refusal];
    return { reason, detail: `The promotion was refused: ${outcome.detail}.` };
  }
  if (!killed) return observesOnly;
  return {
    reason: "kill-switch-active",
    detail: "The kill switch stopped the promotion before it began; propose the change again.",
  };
}

/** Why a promotion that ran had to stop before it landed. */
export function whyStopped(
  { by }: { readonly by: StopCause },
  /** Whether the ledger of actions, or the switch, knows of an order. */
  isOrdered: boolean,
): Refusal {
  if (by === "killed" || isOrdered) {
    return {
      reason: "kill-switch-active",
      detail: "The promotion was stopped before it landed; propose the change again.",
    };
  }
  if (by === "timed-out") {
    return {
      reason: "github-not-connected",
      detail: "The repository host took too long; the promotion is tried again.",
    };
  }
  return {
    reason: "database-unreachable",
    detail:
      "The kernel did not hear from its database for a while (it may have stood still), so the promotion was given up before it landed; it is tried again.",
  };
}
