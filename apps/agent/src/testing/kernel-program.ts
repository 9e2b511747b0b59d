import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { destroyEmbedded } from "@jarvis/db";
import { prepareTestState } from "@jarvis/db/testing";
export { tamperWithState } from "@jarvis/db/testing";
import { processesWith, removeTree } from "@jarvis/sandbox/testing";
import type { RunResult } from "@jarvis/tools/self-extension";

const PROGRAM = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KernelOptions {
  readonly repo: string;
  readonly stateDir: string;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** Another program than the kernel's: a launcher that starts it. */
  readonly program?: string;
}

/** A kernel as a program of its own, spoken to over HTTP. */
export interface KernelProgram {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
  readonly ended: Promise<Ended>;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  propose(patch: string): Promise<string>;
  /** Waits until a run has ended or is parked with nothing under way. */
  outcome(runId: string): Promise<RunResult>;
  /** SIGKILL, and gone. */
  kill(): Promise<void>;
  /** SIGTERM, and ended in order. */
  stop(): Promise<Ended>;
}

export function spawnKernel(options: KernelOptions): {
  pid: number;
  firstLine: Promise<string | null>;
  ended: Promise<Ended>;
} {
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=DeprecationWarning",
      options.program ?? PROGRAM,
      "--repo",
      options.repo,
      "--state-dir",
      options.stateDir,
      ...(options.args ?? ["--port", "0"]),
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", ...options.env },
    },
  );
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  const ended = new Promise<Ended>((resolve) =>
    child.once("close", (code) => resolve({ code, stdout, stderr })),
  );
  const line = new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).once("line", resolve),
  );
  return {
    pid: child.pid ?? 0,
    ended,
    firstLine: Promise.race([line, ended.then(() => null)]),
  };
}

/** Starts a kernel and waits until it is ready; throws what it said where it is not. */
export async function startKernelProgram(options: KernelOptions): Promise<KernelProgram> {
  if (options.env?.["DATABASE_URL"] === undefined) await prepareTestState(options.stateDir);
  const { pid, firstLine, ended } = spawnKernel(options);
  const line = await firstLine;
  const first = JSON.parse(line ?? "{}") as { ready?: boolean; url?: string };
  if (first.ready !== true || first.url === undefined) {
    throw new Error(`the kernel did not start: ${(await ended).stderr}`);
  }
  const { url } = first;
  const token = readFileSync(join(options.stateDir, "token"), "utf8").trim();
  const ask = async <T>(path: string, init: RequestInit): Promise<T> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    const body = (await response.json()) as T;
    if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(body)}`);
    return body;
  };
  const get = async <T>(path: string): Promise<T> => await ask<T>(path, { method: "GET" });
  const post = async <T>(path: string, body: unknown): Promise<T> =>
    await ask<T>(path, { method: "POST", body: JSON.stringify(body) });
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  };
  return {
    pid,
    url,
    token,
    ended,
    get,
    post,
    propose: async (patch) => (await post<{ runId: string }>("/api/proposals", { patch })).runId,
    async outcome(runId) {
      return await until(async () => {
        const { run, result } = await get<{ run: { progress: unknown }; result: RunResult }>(
          `/api/runs/${runId}`,
        );
        const isParked = result.status === "parked" && run.progress === null;
        return isParked || ["promoted", "blocked", "failed"].includes(result.status)
          ? result
          : null;
      });
    },
    async kill() {
      signal("SIGKILL");
      await ended;
    },
    async stop() {
      signal("SIGTERM");
      return await ended;
    },
  };
}

/** Asks again until there is an answer; a minute without one is a failure of the test. */
export async function until<T>(
  ask: () => Promise<T | null> | T | null,
  limitMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > deadline) throw new Error(`no answer within ${limitMs} ms`);
    await sleep(40);
  }
}

/** Removes a state with its database server, which lies elsewhere when root runs the tests. */
export async function discardState(stateDir: string): Promise<void> {
  await destroyEmbedded(stateDir);
  removeTree(stateDir);
}

/** How many sandboxes of a kernel run. */
export function sandboxesUnder(kernel: number): number {
  return sandboxesOf(kernel).length;
}

/** The sandboxes of a kernel: each begins with one bubblewrap that no other has started. */
export function sandboxesOf(kernel: number): number[] {
  const parents = new Map<number, { name: string; parent: number }>();
  for (const pid of processesWith("")) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
      if (state !== "Z") parents.set(pid, { name, parent: Number(parent) });
    } catch {
      // It has ended since it was listed.
    }
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid === kernel || (pid !== undefined && pid > 1 && isOurs(parents.get(pid)?.parent));
  return [...parents]
    .filter(
      ([pid, { name, parent }]) =>
        name === "bwrap" && parents.get(parent)?.name !== "bwrap" && isOurs(pid),
    )
    .map(([pid]) => pid);
}

/** The database server of a state directory. */
export function postmasterOf(stateDir: string): number {
  const record = readFileSync(join(stateDir, "postgres", "cluster.json"), "utf8");
  const { root } = JSON.parse(record) as { root: string };
  return Number(readFileSync(join(root, "data", "postmaster.pid"), "utf8").split("\n")[0]);
}
