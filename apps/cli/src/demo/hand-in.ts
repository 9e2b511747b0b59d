import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunResult } from "@jarvis/tools/ledger";
import { waitForRun } from "../commands/proposals.ts";
import type { CliConfig } from "../config.ts";
import type { KernelClient } from "../kernel-client.ts";
import * as wire from "../wire.ts";
import type { Row } from "./table.ts";

const EXAMPLES = fileURLToPath(new URL("../../../../examples/changes/", import.meta.url));

/** What the rows of the demonstration work with. */
export interface Demo {
  readonly api: KernelClient;
  readonly config: CliConfig;
  readonly say: (text: string) => void;
}

export type Finished = Omit<Row, "problems">;

export async function submit({ api }: Demo, patch: string, title: string): Promise<string> {
  const body = { patch: readFileSync(join(EXAMPLES, patch), "utf8"), title };
  return (await api.post("/api/proposals", body, wire.accepted)).runId;
}

/** Hands in an example and waits until its run has ended or is parked. */
export async function runCase(demo: Demo, patch: string, title: string): Promise<Finished> {
  const started = Date.now();
  const result = await waitForRun(demo.api, await submit(demo, patch, title));
  return { title, result, durationMs: Date.now() - started };
}

/** Whether a promoted change has been judged by what its release did, or never got so far. */
export function isJudged({ status }: RunResult): boolean {
  return ["blessed", "rolled-back", "rollback-failed", "blocked", "failed"].includes(status);
}

/** A parked run stands still until the kernel takes it up again, so this waits past the park. */
export async function waitForAttempt(
  { api, say }: Demo,
  parked: RunResult,
  wanted: (result: RunResult) => boolean,
): Promise<RunResult> {
  const deadline = Date.now() + 300_000;
  for (let shown = parked.status; ;) {
    const path = `/api/runs/${parked.lifecycleRunId}`;
    const { result, run } = await api.get(path, wire.runDetail);
    if (result.status !== shown) say(`          ${result.status}`);
    shown = result.status;
    const isStill = run.progress === null || result.status !== "parked";
    if ((isStill && wanted(result)) || Date.now() > deadline) return result;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What pushes a checkpoint of the ledger, in order, after the host was asked for the one before. */
const CHECKPOINT_ASKED = /\/git\/ref\/jarvis%2Fcheckpoints$/;
const CHECKPOINT_PUSH = [
  /\/git\/trees$/,
  /\/git\/commits$/,
  /\/git\/refs(\/jarvis%2Fcheckpoints)?$/,
] as const;

/**
 * Changes that the forge was asked for, by its own log, but for checkpoints of the ledger: those are
 * no run's, and are pushed every few seconds while promotion is open.
 */
export function mutations({ config }: Demo): string[] {
  const made: string[] = [];
  let ofCheckpoint: RegExp[] = [];
  const log = readFileSync(join(config.stateDir, "forge", "requests.ndjson"), "utf8");
  for (const line of log.split("\n").filter((text) => text !== "")) {
    const { method, path, mutation } = JSON.parse(line) as {
      method: string;
      path: string;
      mutation: boolean;
    };
    if (CHECKPOINT_ASKED.test(path)) ofCheckpoint = [...CHECKPOINT_PUSH];
    if (!mutation) continue;
    if (ofCheckpoint[0]?.test(path) === true) ofCheckpoint.shift();
    else made.push(`${method} ${path}`);
  }
  return made;
}
