import { spawn, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const ready = z.object({
  apiUrl: z.string(),
  webUrl: z.string(),
  cloneUrl: z.string(),
  tokenFile: z.string(),
  requestLog: z.string(),
});

export interface RunningForge extends z.infer<typeof ready> {
  readonly token: string;
  /** Resolves when the forge has ended, however it did. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the forge as a program of its own and waits until it serves. It ends when this process
 * does: its standard input is our pipe, and it stops when that closes.
 */
export async function startForgeProcess(options: {
  directory: string;
  owner: string;
  repository: string;
  seed: { gitDirectory: string; commit: string };
}): Promise<RunningForge> {
  const program = fileURLToPath(new URL("./main.js", import.meta.resolve("@jarvis/forge")));
  const child = spawn(
    process.execPath,
    [
      program,
      "--directory",
      options.directory,
      "--owner",
      options.owner,
      "--repository",
      options.repository,
      "--seed-git-dir",
      options.seed.gitDirectory,
      "--seed-commit",
      options.seed.commit,
    ],
    {
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
      cwd: "/",
      // A group of its own: a Ctrl-C on our terminal must not end it before the runs that use it.
      detached: true,
    },
  );
  if (child.pid === undefined) {
    // Without free descriptors it has no streams either; the event, a turn later, tells why.
    const error = await new Promise<Error>((resolve) => child.once("error", resolve));
    throw new Error(`The local forge could not be started: ${error.message}`, { cause: error });
  }
  // Writing to a forge that is gone is answered by `ended`, not by an error that nobody catches.
  child.stdin.on("error", () => undefined);
  child.on("error", (error) => (errors = error.message));
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString("utf8")).slice(-2000);
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const line = await firstLine(child, ended);
  if (line === null) {
    throw new Error(`The local forge did not start: ${errors.trim() || "it ended without a word"}`);
  }
  const facts = ready.parse(JSON.parse(line));
  const token = (await readFile(facts.tokenFile, "utf8")).trim();
  return {
    ...facts,
    token,
    ended,
    async stop() {
      child.stdin.end();
      const slow = setTimeout(() => child.kill("SIGKILL"), 5000);
      await ended;
      clearTimeout(slow);
    },
  };
}

async function firstLine(child: ChildProcess, ended: Promise<void>): Promise<string | null> {
  if (child.stdout === null) return null;
  const lines = createInterface({ input: child.stdout });
  return await Promise.race([
    new Promise<string>((resolve) => lines.once("line", resolve)),
    ended.then(() => null),
  ]);
}
