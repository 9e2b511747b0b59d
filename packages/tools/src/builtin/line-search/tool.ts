import { z } from "zod";
import { defineTool } from "../../tool.ts";

/**
 * Finds the lines of a text that hold a literal string. Literal on purpose: a pattern from a plan
 * could otherwise take exponential time.
 */
export const tool = defineTool({
  name: "line-search",
  description: "Finds the lines of a text that hold a literal string.",
  effect: "read",
  input: z.object({
    text: z.string().max(5_000_000),
    find: z.string().min(1),
    ignoreCase: z.boolean().default(false),
    limit: z.number().int().min(1).max(1000).default(100),
  }),
  output: z.object({
    matches: z.array(z.object({ line: z.int().min(1), text: z.string() })),
    /** Of all, also where fewer are shown. */
    total: z.int(),
  }),
  async execute({ text, find, ignoreCase, limit }) {
    const fold = (value: string): string => (ignoreCase ? value.toLowerCase() : value);
    const wanted = fold(find);
    const found = text
      .split("\n")
      .map((line, index) => ({ line: index + 1, text: line }))
      .filter((entry) => fold(entry.text).includes(wanted));
    return { matches: found.slice(0, limit), total: found.length };
  },
});
