import { fileURLToPath } from "node:url";
import { z } from "zod";
import { answersOf } from "./line-program.ts";

// Built, from wherever this is loaded: a program is started without a loader.
const PROGRAM = fileURLToPath(
  new URL("../../dist/self-extension/parse-imports.js", import.meta.url),
);

// Thousands of files take seconds; what takes longer hangs.
const LIMIT_MS = 120_000;

const specifiers = z.array(z.string());

export interface SourceFile {
  readonly path: string;
  readonly source: string;
}

/**
 * What each source file imports, as it is written there; null for one that cannot be parsed at all. A
 * parser that a hostile file ends is another process than the one that judges and holds credentials.
 */
export async function readSpecifiers(
  files: readonly SourceFile[],
): Promise<(readonly string[] | null)[]> {
  const found: (readonly string[] | null)[] = [];
  while (found.length < files.length) {
    found.push(...(await parseUntilItEnds(files.slice(found.length))));
    const stopped = files[found.length];
    if (stopped === undefined) break;
    // Alone once more: whoever ends a process from outside ends it at any file.
    found.push((await parseUntilItEnds([stopped]))[0] ?? null);
  }
  return found;
}

/** The answers for the first files, up to one at which the parser ended. */
async function parseUntilItEnds(files: readonly SourceFile[]): Promise<(readonly string[])[]> {
  const questions = files.map(({ path, source }) => JSON.stringify([path, source]));
  const answers = await answersOf(PROGRAM, questions, LIMIT_MS);
  return answers.map((line) => specifiers.parse(JSON.parse(line)));
}
