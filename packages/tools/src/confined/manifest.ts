import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const path = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/, "expected a folder of the workspace");

/**
 * What a tool may have beyond its input, from the `manifest.json` of its folder. Closed, and everything
 * that it does not name is refused; a tool without one may have nothing.
 */
export const ToolManifest = z.strictObject({
  /** Hosts that the kernel may be asked to read, of those that the operator listed. */
  hosts: z
    .array(z.string().regex(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/, "expected a host's name"))
    .max(50)
    .default([]),
  /** Other tools that may be asked for; what they do is judged as their own. */
  tools: z
    .array(z.string().regex(/^(?!kernel-)[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "expected a tool's name"))
    .max(50)
    .default([]),
  /** Folders of the workspace, with everything below them. */
  read: z.array(path).max(20).default([]),
  write: z.array(path).max(20).default([]),
  /** Variables of the body's environment. */
  environment: z
    .array(z.string().regex(/^[A-Z][A-Z0-9_]*$/))
    .max(20)
    .default([]),
});
export type ToolManifest = z.infer<typeof ToolManifest>;

/** Null where the folder has none. Throws where it cannot be read: such a release does not start. */
export async function readManifest(directory: string, tool: string): Promise<ToolManifest | null> {
  let text: string;
  try {
    text = await readFile(join(directory, tool, "manifest.json"), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    return ToolManifest.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`the manifest of ${tool} cannot be read.`, { cause });
  }
}
