import type { ActionPolicy } from "@jarvis/operator-core";
import { actionNameOf } from "./tool-names.ts";

const everyTool = actionNameOf("*");

/** What the agent's tools may do by themselves. Reading needs no rule. */
export const toolPolicy: ActionPolicy = {
  rules: [
    {
      action: everyTool,
      effects: ["write-workspace"],
      decision: "allow",
      reason: "the workspace is the agent's to write",
    },
    {
      action: everyTool,
      effects: ["network", "process", "promotion", "irreversible"],
      decision: "ask",
      reason: "it reaches beyond the workspace",
    },
  ],
  protectedPaths: [],
};
