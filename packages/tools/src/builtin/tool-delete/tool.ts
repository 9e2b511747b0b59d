import { z } from "zod";
import { defineTool } from "../../tool.ts";

/** Proposes to take a built-in tool away, with its tests and examples: a person has to agree. */
export const tool = defineTool({
  name: "tool-delete",
  description: "Proposes to take a tool away.",
  effect: "promotion",
  risk: "low",
  timeoutMs: 30_000,
  input: z.object({
    name: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "expected a tool's name"),
    reason: z.string().trim().min(1).max(300).describe("one line that says why"),
  }),
  output: z.object({ runId: z.string().min(1) }),
  async execute({ name, reason }, context) {
    const folder = `packages/tools/src/builtin/${name}`;
    const files = ["tool.ts", "tool.test.ts", "examples.json"];
    // Left behind it would be the next tool's of that name.
    const manifest = { path: `${folder}/manifest.json`, content: null, ifThere: true };
    const runId = await context.call("kernel-propose", {
      title: reason,
      files: [...files.map((file) => ({ path: `${folder}/${file}`, content: null })), manifest],
      only: "there",
    });
    return { runId: z.string().parse(runId) };
  },
});
