import { defineAction, requirePermit } from "@jarvis/operator-core";
import type { ActionDefinition, ActionRegistry } from "@jarvis/operator-core";
import { z } from "zod";
import type { Tool, ToolFunction } from "../tool.ts";
import { answerOf } from "./call-tool.ts";
import { actionNameOf } from "./tool-names.ts";

/** What tools do. It never leaves this file: an action is the only way to it. */
const functions = new WeakMap<Tool, ToolFunction>();

/** A tool that can be looked at and not be called. */
export function sealTool(shown: Tool, run: ToolFunction): Tool {
  const { name, description, effect, risk, timeoutMs, input } = shown;
  const tool: Tool = Object.freeze({ name, description, effect, risk, timeoutMs, input });
  functions.set(tool, run);
  return tool;
}

/**
 * Makes every tool an action of the executor, named by `actionNameOf`. Who asks, who agrees and what
 * happened is the executor's.
 */
export function registerTools(registry: ActionRegistry, tools: Iterable<Tool>): void {
  for (const tool of tools) registry.register(toolAction(tool));
}

function toolAction(tool: Tool): ActionDefinition {
  const run = functions.get(tool);
  if (run === undefined) {
    throw new Error(`${tool.name} is no loaded tool; take it from loadBuiltinTools.`);
  }
  const parameters = callParameters(tool);
  return defineAction<unknown, unknown>({
    name: actionNameOf(tool.name),
    description: tool.description,
    parameters,
    effect: tool.effect,
    risk: tool.risk,
    // Who has to agree is the policy's to say, by the effect.
    needsApproval: false,
    idempotent: false,
    timeoutMs: tool.timeoutMs,
    async run(given, { permit, proposalId, signal, perform }) {
      requirePermit(permit, proposalId);
      return await run(parameters.parse(given).input, {
        signal,
        call: async (name, input) => answerOf(name, await perform(actionNameOf(name), { input })),
      });
    },
  });
}

// Judged by the tool's schema and handed on as it was given: the tool parses it, once.
function callParameters({ input }: Tool) {
  return z.strictObject({
    input: z.unknown().superRefine((value, context) => {
      for (const { path, message } of input.safeParse(value).error?.issues ?? []) {
        context.addIssue({ code: "custom", path: [...path], message });
      }
    }),
  });
}
