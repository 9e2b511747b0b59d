import { OperatorError } from "@jarvis/operator-core";
import { SelfExtensionError } from "@jarvis/tools/self-extension";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { CommitUnknown } from "../kernel/kernel.ts";
import { refusal } from "./guard.ts";

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
  if (error instanceof HTTPException) {
    const { status } = error;
    const message = error.message === "" ? `The request was refused (${status}).` : error.message;
    return context.json(refusal("invalid-request", message), status);
  }
  if (error instanceof CommitUnknown) {
    return context.json(refusal("commit-unknown", error.message), 404);
  }
  if (error instanceof OperatorError && error.code === "reason-required") {
    return context.json(refusal(error.code, error.message), 400);
  }
  if (error instanceof SelfExtensionError || error instanceof OperatorError) {
    const status =
      error.code === "invalid-proposal" ? 400 : error.code === "run-unknown" ? 404 : 503;
    return context.json(refusal(error.code, error.message), status);
  }
  onUnknown(error);
  // A driver's message repeats the query and its values; the first line says enough.
  const [line = ""] = error.message.split("\n");
  return context.json(
    refusal("internal", `The kernel could not answer: ${line.slice(0, 300)}`),
    503,
  );
}
