import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { messageOf } from "@jarvis/db";
import { z } from "zod";
import { SelfExtensionError } from "./errors.ts";
import { endGroupAfter } from "./process-group.ts";

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
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM], {
      cwd: "/",
      env: {},
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    });
    child.on("error", (cause) => {
      const why = `the parser of imports could not be started; see that this machine has processes and descriptors left: ${messageOf(cause)}`;
      reject(new SelfExtensionError("parser-failed", why, { cause }));
    });
    // Without free descriptors it has no streams either; the event, a turn later, tells why.
    if (child.pid === undefined) return;
    const stopClock = endGroupAfter(child, LIMIT_MS);
    const answers: (readonly string[])[] = [];
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      try {
        answers.push(specifiers.parse(JSON.parse(line)));
      } catch {
        // Half a line of a process that has ended is no answer, and nothing comes after it.
        lines.close();
      }
    });
    // It may end before it has read everything; that is found out by what it did not answer.
    child.stdin.on("error", () => undefined);
    child.on("close", () => {
      stopClock();
      resolve(answers);
    });
    for (const { path, source } of files) {
      child.stdin.write(`${JSON.stringify([path, source])}\n`);
    }
    child.stdin.end();
  });
}
