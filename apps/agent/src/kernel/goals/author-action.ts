import { messageOf, type GoalAttemptRow, type GoalRow } from "@jarvis/db";
import { callerOf, defineAction, type ActionDefinition } from "@jarvis/operator-core";
import {
  diffTrees,
  lastSeenBase,
  readRunResult,
  ScratchTree,
  SelfExtensionError,
  stagesOf,
  treeOf,
  tryStage,
  type Pipeline,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import { z } from "zod";
import type { Tried } from "../../author/diagnostics.ts";
import { readInstructions } from "../../author/instructions.ts";
import { workOnGoal, type AuthorEnd, type AuthorTask } from "../../author/work-on-goal.ts";
import { ProposalQuota, QuotaExceeded } from "../../proposal-quota.ts";
import { ModelError } from "../model/model-port.ts";
import type { AtWork } from "./at-work.ts";
import type { AttemptOutcome } from "./attempt-outcomes.ts";
import type { ModelConfig } from "../model/model-config.ts";
import type { Model } from "../model/open-model.ts";
import { isInterruption, whyOver } from "./goal-end.ts";
import { AUTHOR, proposedBy } from "./handed-in.ts";
import { emptyReport, HANDED_IN, keptReport, nothingTried, readReport } from "./kept-report.ts";
import { attemptsOf, beginAttempt, endAttempt, proposedAs, readGoal } from "./goal-store.ts";

export const AUTHOR_CHANGE = "author_change";

/** Budgets end an attempt long before; this ends one that hangs. */
const TIME_LIMIT_MS = 3 * 3_600_000;
/** A kill has stopped every action by then. */
const STOP_ORDER_MS = 2_000;

const parameters = z.strictObject({ goalId: z.string().min(1) });

export interface AuthorParts {
  readonly world: () => PipelineWorld;
  readonly submit: () => Pick<Pipeline, "submit">;
  readonly model: Model;
  readonly config: ModelConfig;
  readonly atWork: AtWork;
}

/** What the body is told of an attempt that it asked for. */
export type AuthorAnswer = {
  attempt: number;
  outcome: "proposed" | AttemptOutcome;
  runId?: string;
};

/**
 * One attempt at a goal: the model writes a change in a scratch tree, and what it proposes is a run
 * like any other. Asking a model sends the repository's text to its host, which is why it is an effect
 * on the network, refused while Jarvis only observes and stopped by the kill switch.
 */
export function authorAction(parts: AuthorParts): ActionDefinition {
  const quota = new ProposalQuota();
  return defineAction({
    name: AUTHOR_CHANGE,
    description: "asks the model for a change that reaches a goal",
    parameters,
    effect: "network",
    risk: "low",
    needsApproval: false,
    idempotent: false,
    timeoutMs: TIME_LIMIT_MS,
    run: async ({ goalId }, { signal }) =>
      await parts.atWork.during(goalId, async () => await attempt(parts, quota, goalId, signal)),
  });
}

async function attempt(
  parts: AuthorParts,
  quota: ProposalQuota,
  goalId: string,
  signal: AbortSignal,
): Promise<AuthorAnswer> {
  const { db } = parts.world();
  const goal = await readGoal(db, goalId);
  if (goal === null) throw new Error(`there is no goal ${goalId}`);
  // Whoever asks, body or kernel, has no more attempts than the goal.
  const over = whyOver(goal, await attemptsOf(db, goalId), parts.config.attempts);
  const number = over === null ? await beginAttempt(db, goalId) : null;
  if (number === null) throw new Error(over ?? `goal ${goalId} is not to be worked on now`);
  const begun = { goalId, number };
  const stop = async (
    outcome: AttemptOutcome,
    reason: string,
    tried: Tried = nothingTried,
  ): Promise<AuthorAnswer> => {
    const report = keptReport({ ...emptyReport, ...tried, reason });
    await endAttempt(db, begun, { outcome, report });
    return { attempt: number, outcome };
  };
  let end: AuthorEnd;
  try {
    end = await author(parts, goal, number, signal);
  } catch (error) {
    const isModel = error instanceof ModelError;
    // The kill switch ends the request before it has told whom it belongs to.
    if (isModel && error.code === "stopped") await orderToStop(signal);
    const isStopped = signal.aborted || (isModel && error.code === "stopped");
    const reason = signal.aborted ? String(signal.reason) : messageOf(error);
    await stop(isStopped ? "stopped" : isModel ? "model-unavailable" : "interrupted", reason);
    throw error;
  }
  if (end.end !== "proposed") return await stop(end.end, end.detail, end.tried);
  try {
    const bytes = Buffer.byteLength(end.patch);
    const { patch, title } = end;
    const submit = async () =>
      await parts.submit().submit({
        patch,
        title,
        goal: goal.text,
        ...proposedBy(begun),
      });
    const caller = callerOf(AUTHOR, "propose");
    const { runId } = await quota.within(db, caller, bytes, submit);
    const report = { ...emptyReport, ...end.tried, reason: HANDED_IN };
    await proposedAs(db, begun, { runId, report: keptReport(report) });
    return { attempt: number, outcome: "proposed", runId };
  } catch (error) {
    if (!(error instanceof SelfExtensionError || error instanceof QuotaExceeded)) throw error;
    return await stop("not-proposed", error.message, end.tried);
  }
}

async function author(
  { world: pipelineWorld, model, config }: AuthorParts,
  goal: GoalRow,
  number: number,
  signal: AbortSignal,
): Promise<AuthorEnd> {
  const world = pipelineWorld();
  const { db, mirror } = world;
  const baseSha = await lastSeenBase(db);
  if (baseSha === null) throw new Error("no base was seen yet");
  const baseTree = await treeOf(mirror, baseSha);
  const scratch = await ScratchTree.open(mirror, baseTree);
  const { parts: instructions, skills } = await readInstructions(scratch);
  const before = (await attemptsOf(db, goal.id)).filter((each) => each.number < number);
  const { refusedTrees, isContinued } = await takeUp(world, scratch, before);
  const stages = (await stagesOf(world, baseTree)).map(({ name }) => name);
  const budgets = {
    ...config.budgets,
    goal: {
      tokens: goal.maxTokens ?? config.budgets.goal.tokens,
      microUsd: goal.maxMicroUsd ?? config.budgets.goal.microUsd,
      steps: goal.maxSteps ?? config.budgets.goal.steps,
      minutes: goal.maxMinutes ?? config.budgets.goal.minutes,
    },
  };
  return await workOnGoal(
    {
      goal: goal.text,
      instructions,
      stages,
      before: toldOf(before),
      isContinued,
      refusedTrees,
    },
    {
      scratch,
      skills,
      tryStage: async (treeSha, stage) =>
        await tryStage(world, { baseSha, baseTree, treeSha, stage, signal }),
      model: model.for({ goalId: goal.id, attempt: number, budgets }),
      maxOutputTokens: config.maxOutputTokens,
    },
    signal,
  );
}

/**
 * Lays what the last attempt proposed into the scratch tree, where the base still has what it
 * changed as it was: else somebody else's work would be taken back by it.
 */
async function takeUp(
  world: PipelineWorld,
  scratch: ScratchTree,
  before: readonly GoalAttemptRow[],
): Promise<{ refusedTrees: Set<string>; isContinued: boolean }> {
  const refusedTrees = new Set<string>();
  let last: { treeSha: string; baseSha: string } | null = null;
  for (const { runId } of before) {
    const result = runId === null ? null : await readRunResult(world.db, runId);
    if (result?.treeSha == null || result.baseSha === null) continue;
    refusedTrees.add(result.treeSha);
    last = { treeSha: result.treeSha, baseSha: result.baseSha };
  }
  if (last === null) return { refusedTrees, isContinued: false };
  const { mirror } = world;
  const lastBase = await treeOf(mirror, last.baseSha);
  const touched = (await diffTrees(mirror, lastBase, last.treeSha)).map(({ path }) => path);
  const moved = new Set(
    (await diffTrees(mirror, lastBase, scratch.baseTree)).map(({ path }) => path),
  );
  if (touched.some((path) => moved.has(path))) return { refusedTrees, isContinued: false };
  await scratch.takeOver(last.treeSha, lastBase);
  return { refusedTrees, isContinued: true };
}

/** Waits for the order that a stopped request belongs to, but not for long. */
async function orderToStop(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const clock = setTimeout(resolve, STOP_ORDER_MS);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(clock);
        resolve();
      },
      { once: true },
    );
  });
}

/** What earlier attempts teach. One that was cut off teaches nothing about the change. */
function toldOf(before: readonly GoalAttemptRow[]): AuthorTask["before"] {
  return before
    .filter(({ outcome }) => !isInterruption(outcome))
    .flatMap(({ report }) => readReport(report) ?? [])
    .map((report, index) => ({ number: index + 1, report }));
}
