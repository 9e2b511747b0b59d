import type { ActionExecutor, ActionRequest, PerformOutcome } from "@jarvis/operator-core";
import { actionNameOf } from "./tool-names.ts";

export type ToolCall = Omit<ActionRequest, "actionName" | "parameters"> & {
  readonly tool: string;
  readonly input: unknown;
};

/** Why a tool gave no answer; `outcome` is how its action ended. */
export class ToolCallError extends Error {
  override readonly name = "ToolCallError";
  readonly outcome: PerformOutcome["outcome"];

  constructor(message: string, outcome: PerformOutcome["outcome"]) {
    super(message);
    this.outcome = outcome;
  }
}

/**
 * Calls a tool through the executor and answers what it answers.
 * @throws ToolCallError with the tool's own sentence, or why it was not called; ObserveOnlyError
 */
export async function callTool(
  executor: ActionExecutor,
  { tool, input, ...request }: ToolCall,
  options: { signal?: AbortSignal } = {},
): Promise<unknown> {
  const action = { ...request, actionName: actionNameOf(tool), parameters: { input } };
  return answerOf(tool, await executor.perform(action, options));
}

/** What a tool answered. @throws ToolCallError where its action did not complete. */
export function answerOf(tool: string, outcome: PerformOutcome): unknown {
  if (outcome.outcome === "completed") return outcome.result;
  throw new ToolCallError(sentenceOf(tool, outcome), outcome.outcome);
}

type NotCompleted = Exclude<PerformOutcome, { outcome: "completed" }>;

function sentenceOf(tool: string, end: NotCompleted): string {
  switch (end.outcome) {
    case "failed":
      return end.error;
    case "cancelled":
      return `${tool} was stopped: ${end.reason}`;
    case "refused":
    case "approval-needed":
      return `${tool} was not called: ${end.detail}`;
    case "invalid": {
      const inInput = end.errors.filter(({ path }) => path.startsWith(inputPath));
      const [first] = inInput;
      if (first === undefined || inInput.length < end.errors.length) {
        return `${tool} was not called: ${end.errors.map(({ message }) => message).join("; ")}`;
      }
      const path = first.path.slice(inputPath.length + 1) || "input";
      return `${tool} cannot read its input: ${path}: ${first.message}`;
    }
  }
}

const inputPath = "parameters.input";
