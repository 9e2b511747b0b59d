import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DatabaseError, destroyEmbedded, lockStateDirectory, openStateDirectory } from "@jarvis/db";
import type { RunResult } from "@jarvis/tools/self-extension";
import { waitForRun } from "../commands/proposals.ts";
import type { CliConfig } from "../config.ts";
import type { KernelClient } from "../kernel-client.ts";
import { CommandError, exitCodes, type ExitCode } from "../outcome.ts";
import * as wire from "../wire.ts";
import { cases, deviations, pausedCase, refusedAttempts } from "./cases.ts";
import { startDemoKernel } from "./demo-kernel.ts";
import { describeTable, type Row } from "./table.ts";

const EXAMPLES = fileURLToPath(new URL("../../../../examples/changes/", import.meta.url));

/**
 * The demonstration: real changes to this very repository, handed to a real kernel in a throw-away
 * state, in the order of `examples/changes/`. Exit code 0 when every outcome is as expected, 1 when
 * one is not.
 */
export async function demonstrate(config: CliConfig): Promise<ExitCode> {
  const stateDir = join(config.stateDir, "demo");
  await discard(config.stateDir, stateDir);
  const demo: CliConfig = { ...config, stateDir };
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  say("Demonstration on Jarvis's own source, in a throw-away state.");
  const kernel = startDemoKernel(demo, join(config.stateDir, "dependencies"));
  try {
    const api = await kernel.ready;
    // Observe is how Jarvis begins; letting it promote is an operator's act.
    await api.post("/api/mode", { mode: "execute", reason: "demonstration" }, wire.mode);
    const rows: Row[] = [];
    for (const demoCase of cases) {
      say(`\n${demoCase.title} (${demoCase.patch})`);
      const row = await runCase(api, demoCase.patch, demoCase.title);
      const problems = deviations(demoCase, row.result);
      if (demoCase.patch.startsWith("3d")) problems.push(...survivors());
      const attempts = demoCase.refusedAttempts === undefined ? [] : refusedAttempts(row.result);
      for (const attempt of attempts) say(`          refused: ${attempt}`);
      rows.push({ ...row, problems });
    }
    rows.push(...(await runPaused(api, demo, say)));
    say(`\n${describeTable(rows)}`);
    const wrong = rows.filter((row) => row.problems.length > 0);
    for (const row of wrong) say(`NOT AS EXPECTED ${row.title}: ${row.problems.join("; ")}`);
    say(
      wrong.length === 0
        ? `All ${rows.length} outcomes are as expected.`
        : `${wrong.length} of ${rows.length} outcomes are not as expected.`,
    );
    return wrong.length === 0 ? exitCodes.done : exitCodes.refused;
  } finally {
    await kernel.stop();
  }
}

type Finished = Omit<Row, "problems">;

async function runCase(api: KernelClient, patch: string, title: string): Promise<Finished> {
  const started = Date.now();
  const body = { patch: readFileSync(join(EXAMPLES, patch), "utf8"), title };
  const { runId } = await api.post("/api/proposals", body, wire.accepted);
  const result = await waitForRun(api, runId);
  return { title, result, durationMs: Date.now() - started };
}

/** A good change while promotion is paused: blocked without one mutation, then promoted after resume. */
async function runPaused(
  api: KernelClient,
  config: CliConfig,
  say: (text: string) => void,
): Promise<Row[]> {
  const { patch, title } = pausedCase;
  say(`\n${title}, while promotion is paused (${patch})`);
  await setPause(api, true);
  const before = mutations(config).length;
  const paused = await runCase(api, patch, `${title} (paused)`);
  const made = mutations(config).slice(before);
  const problems: string[] = [];
  if (
    paused.result.status !== "parked" ||
    paused.result.blockReasons.join() !== "promotion-paused"
  ) {
    problems.push(`outcome is ${paused.result.status} (${paused.result.blockReasons.join()})`);
  }
  if (made.length > 0) problems.push(`the forge saw ${made.length} mutations: ${made.join(", ")}`);
  say(`          GitHub mutations while paused, by the forge's request log: ${made.length}`);
  say("          resume");
  const resumedAt = Date.now();
  await setPause(api, false);
  const result = await waitForEnd(api, paused.result);
  const resumed: Row = {
    title: `${title} (resumed)`,
    result,
    durationMs: Date.now() - resumedAt,
    problems: result.status === "promoted" ? [] : [`outcome is ${result.status}`],
  };
  return [{ ...paused, problems }, resumed];
}

async function setPause(api: KernelClient, paused: boolean): Promise<void> {
  await api.post("/api/self-extension/promotion", { paused, reason: "demonstration" }, wire.paused);
}

/** A parked run stands still until the kernel takes it up again, so this waits past the park. */
async function waitForEnd(api: KernelClient, parked: RunResult): Promise<RunResult> {
  const deadline = Date.now() + 120_000;
  let result = parked;
  while (result.status === "parked" && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    result = await waitForRun(api, parked.lifecycleRunId);
  }
  return result;
}

function mutations(config: CliConfig): string[] {
  return readFileSync(join(config.stateDir, "forge", "requests.ndjson"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { method: string; path: string; mutation: boolean })
    .filter((entry) => entry.mutation)
    .map((entry) => `${entry.method} ${entry.path}`);
}

/** Processes of the example that outlives its timeout, as this machine sees them. */
function survivors(): string[] {
  const found = readdirSync("/proc").filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return /^\d+$/.test(pid) && command.includes("\0jarvis-hostile-example-daemon");
    } catch {
      return false;
    }
  });
  return found.map((pid) => `process ${pid} of the example is still alive`);
}

/** Removes what an earlier demonstration left, with its database server, but never under a running one. */
async function discard(parent: string, stateDir: string): Promise<void> {
  openStateDirectory(parent);
  if (!existsSync(stateDir)) return;
  try {
    const lock = lockStateDirectory(openStateDirectory(stateDir), {
      pid: process.pid,
      what: "jarvis demonstration",
    });
    await destroyEmbedded(stateDir);
    rmSync(stateDir, { recursive: true, force: true });
    lock.release();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw new CommandError(
      exitCodes.unavailable,
      error.code,
      `A demonstration is running already: ${error.message}`,
    );
  }
}
