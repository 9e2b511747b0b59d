import { readFile } from "node:fs/promises";
import { isTerminal, type RunResult } from "@jarvis/tools/self-extension";
import type { CliConfig } from "../config.ts";
import { needKernel, type KernelClient } from "../kernel-client.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";
import { describeEvents, describeResult, describeRuns } from "../text.ts";
import * as wire from "../wire.ts";

export interface ProposeOptions {
  readonly patch: string;
  readonly goal?: string;
  readonly title?: string;
  readonly tool?: string;
  readonly wait?: boolean;
}

/** Hands in a change; with `--wait` shows its stages and answers the result contract. */
export async function propose(config: CliConfig, options: ProposeOptions): Promise<Answer> {
  const patch = await readPatch(options.patch);
  const kernel = await needKernel(config);
  const body = {
    patch,
    ...(options.goal === undefined ? {} : { goal: options.goal }),
    ...(options.title === undefined ? {} : { title: options.title }),
    ...(options.tool === undefined ? {} : { toolName: options.tool }),
  };
  const { runId } = await kernel.post("/api/proposals", body, wire.accepted);
  if (options.wait !== true) {
    return {
      json: { lifecycleRunId: runId },
      text: `${runId}\nFollow it with: jarvis show ${runId}`,
    };
  }
  const result = await waitForRun(kernel, runId);
  return {
    json: result,
    text: describeResult(result),
    exitCode: result.success ? exitCodes.done : exitCodes.refused,
  };
}

async function readPatch(source: string): Promise<string> {
  try {
    if (source !== "-") return await readFile(source, "utf8");
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks).toString("utf8");
  } catch (cause) {
    throw new CommandError(
      exitCodes.unreadable,
      "patch-unreadable",
      `The patch ${source} cannot be read; name a file made with \`git diff\`, or - for standard input.`,
      { cause },
    );
  }
}

/** Waits until a run has ended or is parked, with its stages and their time on standard error. */
export async function waitForRun(kernel: KernelClient, runId: string): Promise<RunResult> {
  const started = Date.now();
  let shown = "";
  for (;;) {
    const detail = await kernel.get(`/api/runs/${runId}`, wire.runDetail);
    const what = detail.run.progress?.what ?? detail.run.status;
    if (what !== shown) {
      shown = what;
      process.stderr.write(
        `${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${what}\n`,
      );
    }
    const { status } = detail.result;
    if ((status === "parked" && detail.run.progress === null) || isTerminal(status))
      return detail.result;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

export async function runs(config: CliConfig, options: { limit: number }): Promise<Answer> {
  const kernel = await needKernel(config);
  const list = await kernel.get(`/api/runs?limit=${options.limit}`, wire.runList);
  return { json: list.runs, text: describeRuns(list.runs) };
}

export async function show(config: CliConfig, runId: string): Promise<Answer> {
  const kernel = await needKernel(config);
  const detail = await kernel.get(`/api/runs/${encodeURIComponent(runId)}`, wire.runDetail);
  return {
    json: detail,
    text: `${describeResult(detail.result)}\n\nEvents\n${describeEvents(detail.events)}`,
  };
}

export interface EventOptions {
  readonly run?: string;
  readonly type?: string;
  readonly limit: number;
}

export async function events(config: CliConfig, options: EventOptions): Promise<Answer> {
  const kernel = await needKernel(config);
  const list = await kernel.get(`/api/events?${eventQuery(options)}`, wire.eventList);
  return { json: list.events, text: describeEvents(list.events) };
}

/** Prints events as they come, one JSON document or one line each, until the reader goes away. */
export async function followEvents(
  config: CliConfig,
  options: EventOptions & { json: boolean },
): Promise<never> {
  const kernel = await needKernel(config);
  let page = await kernel.get(`/api/events?${eventQuery(options)}`, wire.eventList);
  let after = "0";
  for (;;) {
    for (const event of page.events) {
      after = event.id;
      process.stdout.write(`${options.json ? JSON.stringify(event) : describeEvents([event])}\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    page = await kernel.get(
      `/api/events?${eventQuery({ ...options, limit: 500 })}&after=${after}`,
      wire.eventList,
    );
  }
}

function eventQuery(options: EventOptions): string {
  const query = new URLSearchParams({ limit: String(options.limit) });
  if (options.run !== undefined) query.set("run", options.run);
  if (options.type !== undefined) query.set("type", options.type);
  return query.toString();
}
