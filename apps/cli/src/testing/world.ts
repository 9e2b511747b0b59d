import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { destroyEmbedded } from "@jarvis/db";
import { prepareTestState } from "@jarvis/db/testing";
import { isRunning } from "@jarvis/sandbox/testing";
import { packageManagerEnv } from "@jarvis/tools/ledger";
import { makeRepository } from "@jarvis/tools/testing";
import { jarvis } from "../command-line/jarvis.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly firstLine: Promise<string | null>;
  /** Of standard error; never resolves where there is none. */
  readonly firstError: Promise<string>;
  readonly ended: Promise<Ended>;
  /** What it has printed so far. */
  printed(): string;
}

/** A guarded repository and the command line, as a person has them. */
export interface World {
  readonly directory: string;
  readonly stateDir: string;
  git(...args: string[]): string;
  write(files: Record<string, string>): void;
  patch(files: Record<string, string>): string;
  /** The command line as a program of its own. */
  jarvis(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /**
   * The same without a process: all that `main.ts` does is to call it and end with its exit code.
   * For what only asks, and answers nothing but through its terminal.
   */
  here(args: readonly string[]): Promise<Ended>;
  start(args: readonly string[], options?: RunOptions): Running;
  /** `up` on a free port, ready; answers the kernel's process and how `up` goes. */
  up(): Promise<Running & { readonly kernelPid: number }>;
  /** Waits until another kernel than this one is ready; answers its process. */
  otherKernel(pid: number): Promise<number>;
  discard(): Promise<void>;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

export function makeWorld(files: Record<string, string>): World {
  const { directory, git, write, patch, remove } = makeRepository(files);
  const stateDir = join(directory, ".jarvis");
  const world: World = {
    directory,
    stateDir,
    git,
    write,
    patch,
    start: (args, options = {}) => startProgram(args, { cwd: directory, ...options }),
    jarvis: async (args, options = {}) => await world.start(args, options).ended,
    async here([command = "", ...args]) {
      let stdout = "";
      let stderr = "";
      const code = await jarvis([command, "--repo", directory, ...args], {
        writeOut: (text) => (stdout += text),
        writeErr: (text) => (stderr += text),
      });
      return { code, stdout, stderr };
    },
    async up() {
      // What a first start makes of nothing is shown in `switches.test.ts`.
      await prepareTestState(stateDir);
      const running = world.start(["up", "--json", "--port", "0"]);
      const line = await running.firstLine;
      const facts = JSON.parse(line ?? "{}") as { ready?: boolean; pid?: number };
      if (facts.ready !== true) throw new Error(`up: ${(await running.ended).stderr}`);
      return { ...running, kernelPid: facts.pid ?? 0 };
    },
    async otherKernel(pid) {
      for (;;) {
        const facts = readFileSync(join(stateDir, "kernel.json"), "utf8");
        const next = JSON.parse(facts) as { pid: number };
        if (next.pid !== pid) return next.pid;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async discard() {
      await destroyEmbedded(stateDir);
      remove();
    },
  };
  return world;
}

function startProgram(args: readonly string[], options: RunOptions): Running {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: options.cwd,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...packageManagerEnv(process.env),
      ...options.env,
    },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const ended = new Promise<Ended>((resolve) =>
    child.once("close", (code) => resolve({ code, stdout, stderr })),
  );
  const line = new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).once("line", resolve),
  );
  return {
    pid: child.pid ?? 0,
    ended,
    printed: () => stdout,
    firstLine: Promise.race([line, ended.then(() => null)]),
    firstError: new Promise((resolve) =>
      createInterface({ input: child.stderr }).once("line", resolve),
    ),
  };
}

/** Ends a process and waits until it is gone, or a zombie that only its parent can take away. */
export async function killAndWait(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}
