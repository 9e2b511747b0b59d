import { CommandError } from "../outcome.ts";
import * as wire from "../wire.ts";
import { degradingCases } from "./cases.ts";
import { isJudged, runCase, waitForAttempt, type Demo, type Finished } from "./hand-in.ts";
import type { Row } from "./table.ts";

/** The release that Jarvis starts with: built in the sandbox, and running. */
export async function untilServing({ api, say }: Demo): Promise<void> {
  say("\nBuilding and starting the first release, to have one to go back to.");
  const deadline = Date.now() + 600_000;
  for (;;) {
    const { body } = await api.get("/api/status", wire.status);
    if (body?.state === "running") return;
    if (Date.now() > deadline) {
      throw new Error(`The first release does not run: ${body?.problem ?? "nobody knows why"}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Waits for the verdict about what was promoted, and asks the new tool in the body that runs. */
export async function untilBlessed(demo: Demo, finished: Finished): Promise<Finished> {
  const started = Date.now();
  const result = await waitForAttempt(demo, finished.result, isJudged);
  return { ...finished, result, durationMs: finished.durationMs + Date.now() - started };
}

/**
 * Waits until the kernel runs from the release that was blessed, and its body serves again: what is
 * handed in from then on is judged by the code that was promoted.
 */
export async function untilKernelMoved(
  { api, say }: Demo,
  { mergeSha }: Finished["result"],
): Promise<string[]> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    // While one kernel goes and the next comes, nobody may answer for longer than a client waits.
    const status = await api.get("/api/status", wire.status).catch((error: unknown) => {
      if (error instanceof CommandError && error.code === "kernel-unreachable") return null;
      throw error;
    });
    if (status?.kernel.release?.sha === mergeSha && status?.body?.state === "running") {
      say(`          the kernel runs from this release now, process ${status.kernel.pid}`);
      return [];
    }
    const [left] = status?.kernel.leftOut ?? [];
    if (left !== undefined) return [`the release did not come up as the kernel: ${left.why}`];
    if (Date.now() > deadline) return ["the kernel did not move to the release"];
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What is wrong with the new tool's answer from the running body; nothing where it is right. */
export async function answers(
  { api, say }: Demo,
  question: { tool: string; input: unknown; output: unknown },
): Promise<string[]> {
  const { tool, input } = question;
  const { output } = await api.post(`/api/tools/${tool}/call`, { input }, wire.called);
  say(`          the body answers ${tool} ${JSON.stringify(input)}: ${JSON.stringify(output)}`);
  return JSON.stringify(output) === JSON.stringify(question.output)
    ? []
    : [`${tool} answered ${JSON.stringify(output)}, expected ${JSON.stringify(question.output)}`];
}

/**
 * Changes that pass every gate and make the body worse: promoted, found out, rolled back, taken back
 * on the base, and refused from then on.
 */
export async function runDegrading(demo: Demo): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { patch, title } of degradingCases) {
    demo.say(`\n${title} (${patch})`);
    const finished = await untilBlessed(demo, await runCase(demo, patch, title));
    rows.push({ ...finished, problems: await untilReverted(demo, finished) });
  }
  const [first] = degradingCases;
  if (first !== undefined) {
    demo.say(`\n${first.title}, handed in again (${first.patch})`);
    const again = await runCase(demo, first.patch, `${first.title} (again)`);
    const reasons = again.result.blockReasons.join();
    const isHeld = again.result.status === "blocked" && reasons === "held-after-rollback";
    const found = `outcome is ${again.result.status} (${reasons}), expected blocked (held-after-rollback)`;
    rows.push({ ...again, problems: isHeld ? [] : [found] });
  }
  return rows;
}

async function untilReverted(demo: Demo, { result }: Finished): Promise<string[]> {
  const { api, say } = demo;
  if (result.status !== "rolled-back") {
    return [`outcome is ${result.status}, expected rolled-back`];
  }
  const { events } = await api.get(`/api/runs/${result.lifecycleRunId}`, wire.runDetail);
  const failed = events.find(({ type }) => type === "health_window_failed");
  const back = events.find(({ type }) => type === "rolled_back");
  say(`          found out: ${JSON.stringify(failed?.payload["reasons"])}`);
  say(`          the release before it answered after ${String(back?.payload["durationMs"])} ms`);
  const { rollbackRunId } = result;
  if (rollbackRunId === null) return ["no run takes it back on the base"];
  const deadline = Date.now() + 120_000;
  for (;;) {
    const reverted = await api.get(`/api/runs/${rollbackRunId}`, wire.runDetail).catch(() => null);
    const status = reverted?.result.status;
    if (status === "promoted" || status === "blessed") {
      const number = reverted?.result.pullRequestNumber;
      say(`          reverted by pull request #${String(number)}`);
      return [];
    }
    const isOver = status === "blocked" || status === "failed" || Date.now() > deadline;
    if (isOver) return [`the revert is ${status ?? "not there"}: ${reverted?.result.error ?? ""}`];
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
