import { spawn } from "node:child_process";
import { messageOf } from "@jarvis/db";
import { SelfExtensionError } from "./errors.ts";
import { endGroupAfter } from "./process-group.ts";

/**
 * Asks a program of ours one line of JSON after another and reads its answers, a line each, up to the one at
 * which it ended. For what parses hostile text: it may end its own process or think for ever, and not
 * the one that judges, holds credentials and answers an order to stop. Without environment, and ended
 * after `limitMs`.
 */
export async function answersOf(
  program: string,
  questions: readonly string[],
  limitMs: number,
): Promise<string[]> {
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program], {
      cwd: "/",
      env: {},
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    });
    child.on("error", (cause) => {
      const why = `A parser could not be started; see that this machine has processes and descriptors left: ${messageOf(cause)}`;
      reject(new SelfExtensionError("parser-failed", why, { cause }));
    });
    // Without free descriptors it has no streams either; the event, a turn later, tells why.
    if (child.pid === undefined) return;
    const stopClock = endGroupAfter(child, limitMs);
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    // It may end before it has read everything; that is found out by what it did not answer.
    child.stdin.on("error", () => undefined);
    child.on("close", () => {
      stopClock();
      // Half a line of a process that has ended is no answer.
      resolve(Buffer.concat(chunks).toString("utf8").split("\n").slice(0, -1));
    });
    for (const question of questions) child.stdin.write(`${oneLine(question)}\n`);
    child.stdin.end();
  });
}

/** Inside of JSON these two stand as they are, and newer versions of Node.js take them for the end of a line. */
function oneLine(json: string): string {
  return json.replaceAll("\u2028", String.raw`\u2028`).replaceAll("\u2029", String.raw`\u2029`);
}
