import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ToolContext } from "../tool.ts";
import { ConfinedProcess } from "./confined-process.ts";
import type { ToolManifest } from "./manifest.ts";

/** More would not fit the processes that a body may have. */
const AT_ONCE = 3;
let running = 0;

/**
 * Calls a tool in a process of its own, with what its manifest names and for this one call: what it
 * leaves running ends with it.
 */
export async function callByManifest(
  manifest: ToolManifest,
  { directory, tool, workspace }: { directory: string; tool: string; workspace: string },
  input: unknown,
  context: ToolContext,
): Promise<unknown> {
  if (running >= AT_ONCE) throw new Error(`${AT_ONCE} tools with a manifest run already.`);
  running += 1;
  let confined: ConfinedProcess | null = null;
  const stop = (): void => confined?.end();
  try {
    const read = await folders(workspace, manifest.read);
    const write = await folders(workspace, manifest.write);
    context.signal.throwIfAborted();
    const environment = named(manifest.environment);
    const allowed = { workspace, read, write, environment };
    confined = new ConfinedProcess({ directory, folders: [tool] }, allowed);
    context.signal.addEventListener("abort", stop, { once: true });
    return await confined.carryOut(tool, input, {
      signal: context.signal,
      call: askedWithin(manifest, tool, context),
    });
  } finally {
    running -= 1;
    context.signal.removeEventListener("abort", stop);
    stop();
  }
}

/** What a tool may ask for. The kernel is told the hosts too, since only it sees where an answer leads. */
export function askedWithin(
  manifest: ToolManifest | null,
  tool: string,
  context: ToolContext,
): ToolContext["call"] {
  return async (name, input) => {
    if (name === "kernel-fetch" && manifest !== null && manifest.hosts.length > 0) {
      const url = typeof input === "object" && input !== null && "url" in input ? input.url : null;
      return await context.call(name, { url, hosts: manifest.hosts });
    }
    if (manifest?.tools.includes(name) === true) return await context.call(name, input);
    throw new Error(`The manifest of ${tool} does not let it ask for ${name}.`);
  };
}

function named(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      // The one environment that a manifest speaks of: the body's own, which holds no credential.
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Made where they are missing; none may be a link, since a permission follows it. */
async function folders(workspace: string, paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    let at = workspace;
    for (const part of path.split("/")) {
      at = join(at, part);
      await mkdir(at, { mode: 0o700 }).catch(() => undefined);
      if (!(await lstat(at)).isDirectory())
        throw new Error(`${path} is no folder of the workspace.`);
    }
    found.push(at);
  }
  return found;
}
