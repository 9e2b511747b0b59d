import type { RunResult } from "@jarvis/tools/ledger";
import { waitForRun } from "../commands/proposals.ts";
import * as wire from "../wire.ts";
import { killedCase, switchedCase } from "./cases.ts";
import { isJudged, mutations, runCase, submit, waitForAttempt, type Demo } from "./hand-in.ts";
import { freezeSandbox, sandboxesUnder } from "./processes.ts";
import { untilKernelMoved } from "./release-rows.ts";
import type { Row } from "./table.ts";

/**
 * The kill switch while a change is verified: its sandbox is gone when the kill returns, the count
 * is what this machine saw running, and nothing is promoted. The mode is set again afterwards.
 */
export async function runKilled(demo: Demo): Promise<Row> {
  const { api, say } = demo;
  const { patch, title } = killedCase;
  const { pid: kernelPid } = (await api.get("/api/status", wire.status)).kernel;
  say(`\n${title}, killed while it is verified (${patch})`);
  const before = mutations(demo).length;
  const started = Date.now();
  const bodies = sandboxesUnder(kernelPid);
  const runId = await submit(demo, patch, title);
  const running = (await untilFrozen(bodies, kernelPid)).length;
  const { cancelledCount } = await api.post(
    "/api/kill-switch",
    { reason: "demonstration" },
    wire.killed,
  );
  const left = sandboxesUnder(kernelPid).length;
  say(
    `          sandboxes seen running: ${running}, ${bodies.length} of them bodies; ended: ${cancelledCount}; left: ${left}`,
  );
  const result = await waitForRun(api, runId);
  const problems = unlike(result, "blocked", "kill-switch-active");
  if (running <= bodies.length) problems.push("no sandbox was seen running");
  if (cancelledCount !== running) {
    problems.push(`the kill switch counted ${cancelledCount}, running were ${running}`);
  }
  if (left > 0) problems.push(`${left} sandboxes outlived the kill switch`);
  problems.push(...unwanted(demo, before));
  await setMode(demo, "execute");
  return { title: `${title} (killed)`, result, durationMs: Date.now() - started, problems };
}

/**
 * One good change against both switches: in observe it is tested and not promoted, with execute it
 * meets the pause, and after resume it lands. The evidence counts all the time.
 */
export async function runSwitched(demo: Demo): Promise<Row[]> {
  const { say } = demo;
  const { patch, title } = switchedCase;
  say(`\n${title}, in observe-only mode (${patch})`);
  await setMode(demo, "observe");
  const before = mutations(demo).length;
  const observed = await runCase(demo, patch, `${title} (observe only)`);
  const rows: Row[] = [
    {
      ...observed,
      problems: [...unlike(observed.result, "parked", "observe-only"), ...unwanted(demo, before)],
    },
  ];
  say(`          GitHub mutations, by the forge's request log: ${mutations(demo).length - before}`);

  say("          execute, while promotion is paused");
  const pausedAt = Date.now();
  await setPause(demo, true);
  await setMode(demo, "execute");
  const paused = await waitForAttempt(
    demo,
    observed.result,
    ({ attempt, status }) => attempt > observed.result.attempt && status !== "tested",
  );
  rows.push({
    title: `${title} (paused)`,
    result: paused,
    durationMs: Date.now() - pausedAt,
    problems: [...unlike(paused, "parked", "promotion-paused"), ...unwanted(demo, before)],
  });
  say(`          GitHub mutations while paused: ${mutations(demo).length - before}`);

  say("          resume");
  const resumedAt = Date.now();
  await setPause(demo, false);
  const resumed = await waitForAttempt(demo, paused, isJudged);
  const durationMs = Date.now() - resumedAt;
  rows.push({
    title: `${title} (resumed)`,
    result: resumed,
    durationMs,
    problems:
      resumed.status === "blessed"
        ? await untilKernelMoved(demo, resumed)
        : [`outcome is ${resumed.status}`],
  });
  return rows;
}

/**
 * Waits for the sandboxes of a verification and stops what runs in them: only what can neither end
 * nor begin something meanwhile can be counted. Answers all sandboxes, the bodies among them.
 */
async function untilFrozen(bodies: readonly number[], kernelPid: number): Promise<number[]> {
  const deadline = Date.now() + 120_000;
  let before = "";
  while (Date.now() < deadline) {
    const running = sandboxesUnder(kernelPid);
    const verifying = running.filter((pid) => !bodies.includes(pid));
    for (const pid of verifying) freezeSandbox(pid);
    if (verifying.length > 0 && running.join() === before) return running;
    before = running.join();
    // Long enough for a second one that is being set up to be seen too.
    await new Promise((resolve) => setTimeout(resolve, verifying.length > 0 ? 500 : 50));
  }
  return [];
}

function unlike(result: RunResult, status: RunResult["status"], reason: string): string[] {
  const reasons = result.blockReasons.join();
  return result.status === status && reasons === reason
    ? []
    : [`outcome is ${result.status} (${reasons}), expected ${status} (${reason})`];
}

function unwanted(demo: Demo, before: number): string[] {
  const made = mutations(demo).slice(before);
  return made.length === 0 ? [] : [`the forge saw ${made.length} mutations: ${made.join(", ")}`];
}

async function setMode({ api }: Demo, mode: "observe" | "execute"): Promise<void> {
  await api.post("/api/mode", { mode, reason: "demonstration" }, wire.mode);
}

async function setPause({ api }: Demo, paused: boolean): Promise<void> {
  await api.post("/api/self-extension/promotion", { paused, reason: "demonstration" }, wire.paused);
}
