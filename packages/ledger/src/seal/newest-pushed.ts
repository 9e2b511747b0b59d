import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "@jarvis/db";
import { z } from "zod";
import { ledgerDirectory } from "../keys/key-file.ts";
import type { Anchor } from "../notes/anchor.ts";

/*
 * The newest checkpoint that the repository host was seen to hold: bundles are led on to it, also by
 * who cannot ask the host. A verification does not rest on it.
 */

const pushed = z.object({
  size: z.number().int().positive(),
  root: z.string(),
  origin: z.string(),
  where: z.string(),
});

const pathIn = (stateDirectory: string): string => join(ledgerDirectory(stateDirectory), "pushed");

/** Null where there is none, or none that can be read: a bundle then holds one anchor less. */
export function readNewestPushed(stateDirectory: string): Anchor | null {
  const path = pathIn(stateDirectory);
  if (!existsSync(path)) return null;
  try {
    return pushed.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}

export function writeNewestPushed(
  stateDirectory: string,
  { size, root, origin, where }: Anchor,
): void {
  writeDurably(pathIn(stateDirectory), `${JSON.stringify({ size, root, origin, where })}\n`);
}
