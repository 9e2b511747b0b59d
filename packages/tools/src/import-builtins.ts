import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Where the built-in tools lie: one folder a tool, found by convention. */
export const BUILTIN = fileURLToPath(new URL("./builtin/", import.meta.url));

// Source and build differ in the ending only.
const ENDING = extname(fileURLToPath(import.meta.url));

/** The names of the tools that there are, in order. */
export async function builtinFolders(directory: string): Promise<string[]> {
  return (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Imports the module of every folder, in their order; what is in one is anything. */
export async function importBuiltins(
  directory: string,
  folders: readonly string[],
): Promise<readonly { folder: string; module: unknown }[]> {
  const found: { folder: string; module: unknown }[] = [];
  for (const folder of folders) {
    const path = join(directory, folder, `tool${ENDING}`);
    const module: unknown = await import(pathToFileURL(path).href);
    found.push({ folder, module });
  }
  return found;
}
