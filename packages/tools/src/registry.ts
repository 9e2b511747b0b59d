import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Tool } from "./tool.ts";

/** Where the built-in tools lie: one folder a tool, found by convention. */
const BUILTIN = fileURLToPath(new URL("./builtin/", import.meta.url));

// Source and build differ in the ending only.
const ENDING = extname(fileURLToPath(import.meta.url));

/**
 * Loads every built-in tool. A folder without a tool, or one whose tool has another name than its
 * folder, is an error: a tool that is silently missing would look like a tool that never was.
 */
export async function loadBuiltinTools(directory = BUILTIN): Promise<ReadonlyMap<string, Tool>> {
  const tools = new Map<string, Tool>();
  const folders = (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  for (const folder of folders) {
    const path = join(directory, folder, `tool${ENDING}`);
    const module: unknown = await import(pathToFileURL(path).href);
    const tool = toolOf(module);
    if (tool === null) throw new Error(`${folder}/tool exports no tool; export one as \`tool\`.`);
    if (tool.name !== folder) {
      throw new Error(`the tool in ${folder} calls itself ${tool.name}; give both one name.`);
    }
    tools.set(folder, tool);
  }
  return tools;
}

function toolOf(module: unknown): Tool | null {
  if (typeof module !== "object" || module === null || !("tool" in module)) return null;
  const { tool } = module;
  const isTool =
    typeof tool === "object" &&
    tool !== null &&
    "name" in tool &&
    typeof tool.name === "string" &&
    "execute" in tool &&
    typeof tool.execute === "function";
  // What a built-in exports is typed where it is made; this only tells a tool from something else.
  return isTool ? (tool as unknown as Tool) : null;
}
