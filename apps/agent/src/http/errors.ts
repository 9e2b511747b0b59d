import { queryFailure } from "@jarvis/db";
import { OperatorError, type OperatorErrorCode } from "@jarvis/operator-core";
import { SelfExtensionError, type SelfExtensionErrorCode } from "@jarvis/tools/self-extension";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { CommitUnknown } from "../kernel/operator-orders.ts";
import { StandsBy } from "../kernel/leadership/standby-kernel.ts";
import { GoalRefused } from "../kernel/goals/goal-action.ts";
import { RollbackRefused } from "../kernel/serving/rollback-refused.ts";
import { ActionRefused } from "./action-api.ts";
import { LinkNotValid, TooManyFailures } from "./browser/failure-delay.ts";
import { refusal } from "./guard.ts";
import { QuotaExceeded } from "../proposal-quota.ts";

/** What is the asker's to mend; every other code is the world's. */
const statusOf: Readonly<
  Partial<Record<SelfExtensionErrorCode | OperatorErrorCode, 400 | 404 | 409 | 429 | 507>>
> = {
  "invalid-proposal": 400,
  "malformed-proposal": 400,
  "reason-required": 400,
  "run-unknown": 404,
  "session-unknown": 404,
  "unknown-proposal": 404,
  "observe-only": 409,
  "quota-exceeded": 429,
  "disk-low": 507,
};

/** The kernel has not come up yet. */
export class NotReady extends Error {
  override readonly name = "NotReady";
}

/** Every error is answered as a Problem: a code for programs, a sentence for people, never a stack. */
export function answerError(
  error: Error,
  context: Context,
  onUnknown: (error: Error) => void,
): Response {
  if (error instanceof NotReady) {
    return context.json(
      refusal("starting", "The kernel is still starting; try again in a moment."),
      503,
    );
  }
  if (error instanceof StandsBy) return context.json(refusal("standby", error.message), 409);
  if (error instanceof HTTPException) {
    const { status } = error;
    const message =
      status === 415
        ? "The body has to be JSON, and to say so: send `content-type: application/json`."
        : error.message || `The request was refused (${status}).`;
    return context.json(refusal("invalid-request", message), status);
  }
  if (error instanceof LinkNotValid) {
    return context.json(refusal("link-not-valid", error.message), 401);
  }
  if (error instanceof TooManyFailures) {
    context.header("Retry-After", "5");
    return context.json(refusal("too-many-failures", error.message), 429);
  }
  if (error instanceof CommitUnknown) {
    return context.json(refusal("commit-unknown", error.message), 404);
  }
  if (error instanceof GoalRefused) {
    const status = error.code === "goal-unknown" ? 404 : 409;
    return context.json(refusal(error.code, error.message), status);
  }
  if (error instanceof ActionRefused || error instanceof RollbackRefused) {
    return context.json(refusal(error.code, error.message), 409);
  }
  if (error instanceof QuotaExceeded && error.retryAfterSeconds !== null) {
    context.header("Retry-After", String(error.retryAfterSeconds));
  }
  if (error instanceof SelfExtensionError || error instanceof OperatorError) {
    return context.json(refusal(error.code, error.message), statusOf[error.code] ?? 503);
  }
  onUnknown(error);
  const [line = ""] = error.message.split("\n");
  const sentence = queryFailure(error) ?? `The kernel could not answer: ${line.slice(0, 300)}`;
  return context.json(refusal("internal", sentence), 503);
}
