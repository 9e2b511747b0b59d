import { setTimeout as sleep } from "node:timers/promises";
import type { CliConfig } from "../config.ts";
import * as wire from "../goal-wire.ts";
import { needKernel, type KernelClient } from "../kernel-client.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";
import { describeSpent, shortSpent } from "../spent-text.ts";
import { plain, plainLines } from "../plain-text.ts";

export interface GoalOptions {
  readonly priority?: number;
  readonly attempts?: number;
  readonly tokens?: number;
  readonly usd?: number;
  readonly steps?: number;
  readonly minutes?: number;
}

export async function addGoal(
  config: CliConfig,
  text: string,
  options: GoalOptions,
): Promise<Answer> {
  const kernel = await needKernel(config);
  const goal = await add(kernel, text, options);
  const { model } = await kernel.get("/api/goals?limit=1", wire.goalList);
  const hint =
    model === null
      ? "No model is configured: it waits until Jarvis is started with JARVIS_MODEL=provider/model."
      : `Follow it with: jarvis goal show ${goal.id}`;
  return { json: goal, text: `${goal.id}\n${hint}` };
}

export async function listGoals(
  config: CliConfig,
  options: { state?: string; limit: number },
): Promise<Answer> {
  const kernel = await needKernel(config);
  const query = new URLSearchParams({ limit: String(options.limit) });
  if (options.state !== undefined) query.set("state", options.state);
  const { goals } = await kernel.get(`/api/goals?${query.toString()}`, wire.goalList);
  const lines = goals.map(
    ({ id, state, priority, attempts, spent, text }) =>
      `${id}  ${state.padEnd(9)} ${String(priority).padStart(4)}  ${attempts} tried  ${shortSpent(spent)}  ${plain(text).slice(0, 80)}`,
  );
  const none = "There are no goals; add one with `jarvis goal add TEXT`.";
  return { json: goals, text: lines.length === 0 ? none : lines.join("\n") };
}

export async function showGoal(config: CliConfig, id: string): Promise<Answer> {
  const detail = await readGoal(await needKernel(config), id);
  return { json: detail, text: describeGoal(detail) };
}

export async function moveGoal(
  config: CliConfig,
  id: string,
  { move, reason }: { move: "pause" | "resume" | "cancel"; reason: string },
): Promise<Answer> {
  const kernel = await needKernel(config);
  const path = `/api/goals/${encodeURIComponent(id)}/${move}`;
  const { goal } = await kernel.post(path, { reason }, wire.goalOnly);
  return { json: goal, text: `Goal ${goal.id} is ${goal.state}.` };
}

/** Adds a goal and shows what becomes of it, until it has ended or waits for a person. */
export async function runGoal(
  config: CliConfig,
  text: string,
  options: GoalOptions,
): Promise<Answer> {
  const kernel = await needKernel(config);
  const { model } = await kernel.get("/api/goals?limit=1", wire.goalList);
  if (model === null) {
    throw new CommandError(
      exitCodes.refused,
      "model-missing",
      "No model is configured: start Jarvis with JARVIS_MODEL=provider/model, such as anthropic/NAME, and its key in JARVIS_MODEL_KEY_FILE.",
    );
  }
  const { id } = await add(kernel, text, options);
  const started = Date.now();
  let shown = "";
  for (;;) {
    const detail = await readGoal(kernel, id);
    const now = progressOf(detail);
    if (now !== shown) {
      shown = now;
      const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
      process.stderr.write(`${seconds} s  ${plain(now)}\n`);
    }
    const { state } = detail.goal;
    if (state !== "open" && state !== "running") {
      const exitCode = state === "reached" ? exitCodes.done : exitCodes.refused;
      return { json: detail, text: describeGoal(detail), exitCode };
    }
    await sleep(500);
  }
}

async function add(
  kernel: KernelClient,
  text: string,
  options: GoalOptions,
): Promise<wire.WireGoal> {
  const { priority, attempts, tokens, usd, steps, minutes } = options;
  const body = {
    text,
    priority,
    maxAttempts: attempts,
    maxTokens: tokens,
    maxMicroUsd: usd === undefined ? undefined : Math.round(usd * 1_000_000),
    maxSteps: steps,
    maxMinutes: minutes,
  };
  return (await kernel.post("/api/goals", body, wire.goalOnly)).goal;
}

async function readGoal(kernel: KernelClient, id: string): Promise<wire.WireGoalDetail> {
  return await kernel.get(`/api/goals/${encodeURIComponent(id)}`, wire.goalDetail);
}

function progressOf({ goal, attempts }: wire.WireGoalDetail): string {
  const last = attempts.at(-1);
  if (last === undefined) return goal.state;
  const { number, state, outcome, runId, spent } = last;
  const what = state === "working" ? `${spent.steps} steps` : (outcome ?? `run ${runId}`);
  return `${goal.state}, attempt ${number}: ${what}`;
}

function describeGoal({ goal, attempts, spent }: wire.WireGoalDetail): string {
  return [
    `goal       ${goal.id} (${goal.state}, priority ${goal.priority}, for ${plain(goal.requestedBy)})`,
    `text       ${plainLines(goal.text, " ".repeat(11))}`,
    ...(goal.detail === null ? [] : [`because    ${plain(goal.detail)}`]),
    `cost       ${describeSpent(spent)}`,
    ...attempts.map((each) => {
      const how = each.outcome ?? each.state;
      const run = each.runId === null ? "" : `  run ${each.runId}`;
      return `attempt ${each.number}  ${how.padEnd(12)} ${describeSpent(each.spent)}${run}${reasonOf(each.report)}`;
    }),
  ].join("\n");
}

function reasonOf(report: string | null): string {
  if (report === null) return "";
  const { reason, plan = [], tried = [] } = wire.attemptReport.parse(JSON.parse(report));
  const lines = [
    ...(reason === undefined ? [] : [reason]),
    ...plan.map((step, at) => `planned ${at + 1}. ${step}`),
    ...tried,
  ];
  return lines.map((line) => `\n           ${plain(line)}`).join("");
}
