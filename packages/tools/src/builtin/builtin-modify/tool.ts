import { z } from "zod";
import { defineTool } from "../../tool.ts";

/** Proposes another source for a built-in tool. Its tests and examples judge it as they are. */
export const tool = defineTool({
  name: "builtin-modify",
  description: "Proposes another source for a tool that there is.",
  effect: "promotion",
  risk: "low",
  timeoutMs: 30_000,
  input: z.object({
    name: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "expected a tool's name"),
    source: z.string().min(1).max(60_000).describe("the whole of tool.ts"),
    reason: z.string().trim().min(1).max(300).describe("one line that says what changes"),
  }),
  output: z.object({ runId: z.string().min(1) }),
  async execute({ name, source, reason }, context) {
    const path = `packages/tools/src/builtin/${name}/tool.ts`;
    const files = [{ path, content: source }];
    const runId = await context.call("kernel-propose", { title: reason, files, only: "there" });
    return { runId: z.string().parse(runId) };
  },
});
