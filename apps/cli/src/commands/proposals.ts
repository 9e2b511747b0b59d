import { readFile } from "node:fs/promises";
import { isTerminal, passesByItself, type RunResult } from "@jarvis/tools/answers";
import type { CliConfig } from "../config.ts";
import { needKernel, type KernelClient } from "../kernel-client.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";
import { plain } from "../plain-text.ts";
import { describeResult } from "../text.ts";
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
  const result = await tellingWhereItGoesOn(runId, async () => await waitForRun(kernel, runId));
  return {
    json: result,
    text: describeResult(result),
    exitCode: result.success ? exitCodes.done : exitCodes.refused,
  };
}

/** Whoever stops waiting, or is cut off, has to know which run goes on without them. */
async function tellingWhereItGoesOn<T>(runId: string, wait: () => Promise<T>): Promise<T> {
  const left = (signal: NodeJS.Signals): void => {
    process.stderr.write(`The run goes on; follow it with: jarvis show ${runId}\n`);
    // A shell has to see that the signal ended the command.
    process.kill(process.pid, signal);
  };
  process.once("SIGINT", left);
  process.stderr.write(`run ${runId}\n`);
  try {
    return await wait();
  } finally {
    process.off("SIGINT", left);
  }
}

async function readPatch(source: string): Promise<string> {
  const bytes = await readBytes(source);
  try {
    // Replacing what is not UTF-8 would land other bytes than the person handed in.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CommandError(
      exitCodes.unreadable,
      "patch-not-text",
      `The patch ${source} is not UTF-8 text; Jarvis takes changes of UTF-8 text files only.`,
      { cause },
    );
  }
}

async function readBytes(source: string): Promise<Buffer> {
  try {
    if (source !== "-") return await readFile(source);
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks);
  } catch (cause) {
    throw new CommandError(
      exitCodes.unreadable,
      "patch-unreadable",
      `The patch ${source} cannot be read; name a file made with \`git diff\`, or - for standard input.`,
      { cause },
    );
  }
}

/**
 * Waits until a run has ended or is parked for something that somebody has to do, with its stages and
 * their time on standard error.
 */
export async function waitForRun(kernel: KernelClient, runId: string): Promise<RunResult> {
  const started = Date.now();
  let shown = "";
  for (;;) {
    const detail = await kernel.get(`/api/runs/${runId}`, wire.runDetail);
    const { status, blockReasons } = detail.result;
    const waitsFor = status === "parked" ? ` (${blockReasons.join(", ")})` : "";
    const what = detail.run.progress?.what ?? `${detail.run.status}${waitsFor}`;
    if (what !== shown) {
      shown = what;
      process.stderr.write(
        `${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${plain(what)}\n`,
      );
    }
    if (standsStill(detail.result, detail.run.progress !== null)) return detail.result;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** Whether a run has ended, or is parked until somebody does something. */
export function standsStill(
  { status, blockReasons }: Pick<RunResult, "status" | "blockReasons">,
  isWorkedOn: boolean,
): boolean {
  if (status === "parked") return !isWorkedOn && !passesByItself(blockReasons);
  return isTerminal(status);
}
