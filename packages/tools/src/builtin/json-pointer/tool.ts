import { z } from "zod";
import { defineTool } from "../../tool.ts";

/** Reads one value out of a JSON document by its pointer (RFC 6901). */
export const tool = defineTool({
  name: "json-pointer",
  description: "Reads the value at a JSON pointer (RFC 6901) in a document.",
  effect: "read",
  input: z.object({ document: z.json(), pointer: z.string() }),
  output: z.object({ value: z.json() }),
  async execute({ document, pointer }) {
    if (pointer !== "" && !pointer.startsWith("/")) {
      throw new Error("a JSON pointer is empty or begins with /");
    }
    let value: z.infer<ReturnType<typeof z.json>> = document;
    for (const token of pointer.split("/").slice(1)) {
      const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
      const next = step(value, key);
      if (next === undefined) throw new Error(`nothing at ${JSON.stringify(key)} in ${pointer}`);
      value = next;
    }
    return { value };
  },
});

type Json = z.infer<ReturnType<typeof z.json>>;

function step(value: Json, key: string): Json | undefined {
  if (Array.isArray(value)) return /^(0|[1-9]\d*)$/.test(key) ? value[Number(key)] : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  // Own members only: a pointer must not reach what JSON does not hold.
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
