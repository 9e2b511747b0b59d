import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { loadBuiltinTools } from "./registry.ts";

const made: string[] = [];
afterEach(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true });
});

describe("loadBuiltinTools", () => {
  it("finds every folder under builtin by its name", async () => {
    const tools = await loadBuiltinTools();
    expect([...tools.keys()]).toEqual(
      expect.arrayContaining(["json-pointer", "line-search", "text-statistics"]),
    );
    for (const [name, tool] of tools) expect(tool.name).toBe(name);
  });

  it("gives tools that can be looked at and not be called", async () => {
    for (const tool of (await loadBuiltinTools()).values()) {
      expect(Object.keys(tool).toSorted()).toEqual([
        "description",
        "effect",
        "input",
        "name",
        "risk",
        "timeoutMs",
      ]);
      expect(Object.values(tool).filter((value) => typeof value === "function")).toEqual([]);
      expect(Object.isFrozen(tool)).toBe(true);
    }
  });

  it.each([
    ["without a tool", "export const something = 1;\n"],
    [
      "whose tool says nothing about its effect",
      `export const tool = { name: "one", execute() {} };\n`,
    ],
  ])("refuses a folder %s", async (_, source) => {
    const directory = await folderWith("one", source);
    await expect(loadBuiltinTools(directory)).rejects.toThrow("exports no tool");
  });

  it("refuses a tool under another name than its folder's", async () => {
    const directory = await folderWith("one", aTool("two"));
    await expect(loadBuiltinTools(directory)).rejects.toThrow("calls itself two");
  });
});

function aTool(name: string): string {
  const here = fileURLToPath(new URL(".", import.meta.url));
  return [
    `import { z } from ${JSON.stringify(join(here, "../node_modules/zod/index.js"))};`,
    `import { defineTool } from ${JSON.stringify(join(here, "tool.ts"))};`,
    `export const tool = defineTool({ name: "${name}", description: "", effect: "read", input: z.unknown(), execute: async () => null });`,
    "",
  ].join("\n");
}

async function folderWith(name: string, source: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "jarvis-tools-"));
  made.push(directory);
  await mkdir(join(directory, name));
  await writeFile(join(directory, name, "tool.ts"), source);
  return directory;
}
