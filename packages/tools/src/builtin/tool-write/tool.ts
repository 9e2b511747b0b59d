import { z } from "zod";
import { defineTool } from "../../tool.ts";

const name = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "expected a name such as line-search");
const source = z.string().min(1).max(60_000);

/**
 * Proposes a new built-in tool. It is a change like any other: built, tested, promoted and watched
 * before anything can call it.
 */
export const tool = defineTool({
  name: "tool-write",
  description: "Proposes a new tool: its source, its tests and its examples.",
  effect: "promotion",
  risk: "low",
  timeoutMs: 30_000,
  input: z.object({
    name,
    source: source.describe("of tool.ts, as the other tools have it"),
    test: source.describe("of tool.test.ts"),
    examples: source.describe("of examples.json"),
    manifest: source
      .optional()
      .describe("of manifest.json: what it may have beyond its input; a person has to agree"),
    reason: z.string().trim().min(1).max(300).describe("one line that says what it is for"),
  }),
  output: z.object({ runId: z.string().min(1) }),
  async execute({ name: folder, source: code, test, examples, manifest, reason }, context) {
    const at = `packages/tools/src/builtin/${folder}`;
    const files = [
      { path: `${at}/tool.ts`, content: code },
      { path: `${at}/tool.test.ts`, content: test },
      { path: `${at}/examples.json`, content: examples },
      ...(manifest === undefined ? [] : [{ path: `${at}/manifest.json`, content: manifest }]),
    ];
    const runId = await context.call("kernel-propose", { title: reason, files, only: "new" });
    return { runId: z.string().parse(runId) };
  },
});
