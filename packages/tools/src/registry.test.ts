import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

  it("refuses a folder without a tool", async () => {
    const directory = await folderWith("empty", "export const something = 1;\n");
    await expect(loadBuiltinTools(directory)).rejects.toThrow("exports no tool");
  });

  it("refuses a tool under another name than its folder's", async () => {
    const directory = await folderWith(
      "one",
      `export const tool = { name: "two", execute: async () => null };\n`,
    );
    await expect(loadBuiltinTools(directory)).rejects.toThrow("calls itself two");
  });
});

async function folderWith(name: string, source: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "jarvis-tools-"));
  made.push(directory);
  await mkdir(join(directory, name));
  await writeFile(join(directory, name, "tool.ts"), source);
  return directory;
}
