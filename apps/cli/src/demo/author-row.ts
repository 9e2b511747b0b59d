import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import * as goals from "../goal-wire.ts";
import { describeSpent } from "../spent-text.ts";
import * as wire from "../wire.ts";
import type { Demo } from "./hand-in.ts";
import { answers, untilKernelMoved } from "./release-rows.ts";
import type { Row } from "./table.ts";

const RECORDINGS = fileURLToPath(new URL("../../../../examples/recordings/", import.meta.url));
const LIMIT_MS = 600_000;

/** What the demonstration's kernel asks instead of a model; no key is needed. */
export const RECORDED_MODEL = `replay/${RECORDINGS}goal.ndjson`;

const turns = z.object({ goal: z.string() });

/**
 * A goal that an author works on, whose words were recorded: its first change fails its own tests,
 * the second, which was told so, passes, is promoted and blessed. The answers of the model are the
 * only thing that is not real here.
 */
export async function runAuthored(demo: Demo): Promise<Row> {
  const { api, say } = demo;
  const { goal: text } = turns.parse(
    JSON.parse(readFileSync(`${RECORDINGS}goal.turns.json`, "utf8")),
  );
  const title = "A goal: write Roman numerals";
  say(`\n${title} (recordings/goal.ndjson)`);
  const started = Date.now();
  const { goal } = await api.post("/api/goals", { text }, goals.goalOnly);
  const { attempts, state, detail, spent } = await untilEnded(demo, goal.id, started);
  const [first, second] = attempts;
  const runId = second?.runId ?? first?.runId ?? null;
  if (runId === null) throw new Error(`The goal is ${state}: ${detail ?? "nobody knows why"}`);
  const { result } = await api.get(`/api/runs/${runId}`, wire.runDetail);
  say(`          ${describeSpent(spent)}`);
  const problems: string[] = [];
  const outcomes = attempts.map(({ outcome }) => outcome).join();
  if (state !== "reached" || outcomes !== "refused,accepted") {
    problems.push(`the goal is ${state} (${outcomes}): ${detail ?? ""}`);
  }
  if (first?.runId != null) {
    const refused = await api.get(`/api/runs/${first.runId}`, wire.runDetail);
    const failed = refused.result.verificationFailedStage;
    const tests = refused.result.verificationDiagnostics.flatMap((stage) => stage.failingTests);
    for (const test of tests) say(`          attempt 1 failed: ${test}`);
    if (failed !== "tool-tests") problems.push(`attempt 1 failed in ${String(failed)}`);
  }
  if (problems.length === 0) {
    problems.push(...(await untilKernelMoved(demo, result)));
    const question = { tool: "roman-numeral", input: { value: 1994 } };
    problems.push(...(await answers(demo, { ...question, output: { numeral: "MCMXCIV" } })));
  }
  return { title, result, durationMs: Date.now() - started, problems };
}

async function untilEnded({ api, say }: Demo, id: string, started: number) {
  let shown = "";
  for (;;) {
    const { goal, attempts, spent } = await api.get(`/api/goals/${id}`, goals.goalDetail);
    const last = attempts.at(-1);
    const now =
      last === undefined ? goal.state : `attempt ${last.number}: ${last.outcome ?? last.state}`;
    if (now !== shown) say(`          ${now}`);
    shown = now;
    const isOpen = goal.state === "open" || goal.state === "running";
    if (!isOpen || Date.now() - started > LIMIT_MS) {
      return { attempts, spent, state: goal.state, detail: goal.detail };
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
