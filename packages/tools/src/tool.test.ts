import { expect, it } from "vitest";
import { z } from "zod";
import { BUILTIN, builtinFolders, importBuiltins } from "./import-builtins.ts";
import { defineTool } from "./tool.ts";

const signal = new AbortController().signal;

it("a tool answers what it said that it would, and nothing else", async () => {
  const answering = (answer: unknown) =>
    defineTool({
      name: "half",
      description: "halves",
      effect: "read",
      input: z.unknown(),
      output: z.object({ half: z.number() }),
      execute: async () => await Promise.resolve(answer as { half: number }),
    }).execute({}, { signal });
  expect(await answering({ half: 2, whole: 4 })).toEqual({ half: 2 });
  await expect(answering({ half: "2" })).rejects.toThrow(
    "half answered otherwise than it should: half:",
  );
  await expect(answering(null)).rejects.toThrow("otherwise than it should: output:");
});

it("a tool that does not say what it answers may answer anything", async () => {
  const tool = defineTool({
    name: "any",
    description: "answers",
    effect: "read",
    input: z.unknown(),
    execute: async () => await Promise.resolve([1]),
  });
  expect(await tool.execute({}, { signal })).toEqual([1]);
});

it("every built-in says what it takes, what it answers, what it does and how long it may", async () => {
  const told = z.object({
    input: z.instanceof(z.ZodType),
    output: z.instanceof(z.ZodType),
    effect: z.string(),
    timeoutMs: z.int().positive(),
  });
  const found = await importBuiltins(BUILTIN, await builtinFolders(BUILTIN));
  expect(found.length).toBeGreaterThanOrEqual(10);
  for (const { module } of found) told.parse((module as { tool: unknown }).tool);
});
