import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseError, destroyEmbedded, lockStateDirectory, openStateDirectory } from "@jarvis/db";
import type { CliConfig } from "../config.ts";
import { CommandError, exitCodes, type ExitCode } from "../outcome.ts";
import * as wire from "../wire.ts";
import { runAuthored } from "./author-row.ts";
import { cases, deviations, refusedAttempts } from "./cases.ts";
import { startDemoKernel } from "./demo-kernel.ts";
import { runCase, type Demo } from "./hand-in.ts";
import { survivors } from "./processes.ts";
import {
  answers,
  runDegrading,
  untilBlessed,
  untilKernelMoved,
  untilServing,
} from "./release-rows.ts";
import { runKilled, runSwitched } from "./switch-rows.ts";
import { describeTable, type Row } from "./table.ts";

/**
 * The demonstration: real changes to this very repository, handed to a real kernel in a throw-away
 * state, in the order of `examples/changes/`. As JSON it answers the rows of its table, and tells how
 * it goes on standard error. Exit code 0 when every outcome is as expected, 1 when one is not.
 */
export async function demonstrate(
  config: CliConfig,
  { json }: { readonly json: boolean },
): Promise<ExitCode> {
  const stateDir = join(config.stateDir, "demo");
  await discard(config.stateDir, stateDir);
  const told = json ? process.stderr : process.stdout;
  const say = (text: string): void => void told.write(`${text}\n`);
  say("Demonstration on Jarvis's own source, in a throw-away state.");
  const kernel = startDemoKernel({ ...config, stateDir }, join(config.stateDir, "dependencies"));
  try {
    const api = await kernel.ready;
    // Observe is how Jarvis begins; letting it promote is an operator's act.
    await api.post("/api/mode", { mode: "execute", reason: "demonstration" }, wire.mode);
    const demo: Demo = { api, config: { ...config, stateDir }, say };
    await untilServing(demo);
    const rows: Row[] = [];
    for (const demoCase of cases) {
      say(`\n${demoCase.title} (${demoCase.patch})`);
      const ended = await runCase(demo, demoCase.patch, demoCase.title);
      const row = demoCase.question === undefined ? ended : await untilBlessed(demo, ended);
      const problems = deviations(demoCase, row.result);
      if (demoCase.question !== undefined && problems.length === 0) {
        problems.push(...(await untilKernelMoved(demo, row.result)));
        problems.push(...(await answers(demo, demoCase.question)));
      }
      if (demoCase.patch.startsWith("3d")) problems.push(...survivors());
      const attempts = demoCase.refusedAttempts === undefined ? [] : refusedAttempts(row.result);
      for (const attempt of attempts) say(`          refused: ${attempt}`);
      rows.push({ ...row, problems });
    }
    rows.push(await runKilled(demo), ...(await runSwitched(demo)), ...(await runDegrading(demo)));
    rows.push(await runAuthored(demo));
    say(`\n${describeTable(rows)}`);
    const wrong = rows.filter((row) => row.problems.length > 0);
    for (const row of wrong) say(`NOT AS EXPECTED ${row.title}: ${row.problems.join("; ")}`);
    say(
      wrong.length === 0
        ? `All ${rows.length} outcomes are as expected.`
        : `${wrong.length} of ${rows.length} outcomes are not as expected.`,
    );
    if (json) {
      process.stdout.write(`${JSON.stringify({ ok: wrong.length === 0, rows })}\n`);
    }
    return wrong.length === 0 ? exitCodes.done : exitCodes.refused;
  } finally {
    await kernel.stop();
  }
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
