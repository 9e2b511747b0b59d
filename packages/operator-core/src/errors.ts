import type { SafetyProblem } from "./safety-state.ts";

export { messageOf } from "@jarvis/db";

/** Why an operation was refused or could not be completed. A closed set. */
export type OperatorErrorCode =
  | "observe-only"
  | "reason-required"
  | "kill-switch-incomplete"
  | "duplicate-action"
  | "malformed-event"
  | "malformed-proposal"
  | "not-permitted"
  | "process-failed"
  | "proposal-unreadable"
  | "quota-exceeded"
  | "session-changed"
  | "session-unknown"
  | "token-name-invalid"
  | "token-refused"
  | "tokens-unreadable"
  | "unknown-proposal";

/** The one error class of this package; the message says what to do. */
export class OperatorError extends Error {
  override readonly name: string = "OperatorError";
  readonly code: OperatorErrorCode;

  constructor(code: OperatorErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}

/** Thrown where an action would be executed while the mode is not `execute`. */
export class ObserveOnlyError extends OperatorError {
  override readonly name = "ObserveOnlyError";
  /** Why nobody knows the mode, which means no as well; null where somebody set one that says no. */
  readonly problem: SafetyProblem | null;

  constructor(problem: SafetyProblem | null = null) {
    super(
      "observe-only",
      'Action execution blocked: observe-only mode is active. Enable it with: jarvis mode execute --reason "..."',
    );
    this.problem = problem;
  }
}
