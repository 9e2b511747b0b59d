import { spawn } from "node:child_process";
import { z } from "zod";
import { openBodyWorkspace } from "../../body-workspace.ts";
import { defineTool } from "../../tool.ts";

const SHOWN = 32_000;

/**
 * Runs a command with the shell of the sandbox that the body is in: no network, nothing of the host,
 * and a directory that is gone with the body. It has this process's limits and none of its environment.
 */
export const tool = defineTool({
  name: "shell",
  description: "Runs a shell command in the body's sandbox and answers its output.",
  effect: "process",
  timeoutMs: 35_000,
  input: z.object({
    command: z.string().min(1).max(8_000),
    timeoutMs: z.int().min(100).max(30_000).default(10_000),
  }),
  output: z.object({
    /** Null where a signal ended it. */
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    timedOut: z.boolean(),
    /** The last 32 kB. */
    stdout: z.string(),
    stderr: z.string(),
  }),
  async execute({ command, timeoutMs }, { signal }) {
    const directory = await openBodyWorkspace();
    return await new Promise((resolve, reject) => {
      const child = spawn("/bin/sh", ["-c", command], {
        cwd: directory,
        env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: directory },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      child.once("error", reject);
      // Without free descriptors it has no streams either; the event, a turn later, tells why.
      if (child.pid === undefined) return;
      const stdout = new Tail();
      const stderr = new Tail();
      child.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
      child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
      let timedOut = false;
      const end = (): void => {
        // The whole group: what the command began ends with it.
        if (child.pid !== undefined) killGroup(child.pid);
      };
      const clock = setTimeout(() => {
        timedOut = true;
        end();
      }, timeoutMs);
      signal.addEventListener("abort", end, { once: true });
      child.once("close", (exitCode, ended) => {
        clearTimeout(clock);
        signal.removeEventListener("abort", end);
        end();
        if (signal.aborted) reject(new Error("the command was stopped"));
        else {
          const output = { stdout: stdout.text(), stderr: stderr.text() };
          resolve({ exitCode, signal: ended, timedOut, ...output });
        }
      });
    });
  },
});

class Tail {
  #bytes = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(-SHOWN);
  }

  text(): string {
    return this.#bytes.toString("utf8");
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
