import type { GoalAttemptRow, GoalRow, JarvisDatabase } from "@jarvis/db";
import { readSafetyState, type ActionExecutor, type Principal } from "@jarvis/operator-core";
import { readRunResult, type RunResult } from "@jarvis/tools/self-extension";
import { reportOf, type Tried } from "../../author/diagnostics.ts";
import { GoalLoop } from "../../body/goal-loop.ts";
import type { Goal } from "../../body/protocol.ts";
import type { BodyKeeper } from "../body/keeper.ts";
import type { BodyRequests } from "../body/requests.ts";
import { oneAtATime } from "../reconciler.ts";
import type { AttemptOutcome } from "./attempt-outcomes.ts";
import { GoalChanges } from "./goal-action.ts";
import type { GoalMove } from "./goal-states.ts";
import { afterAttempt, whyOver, withTried } from "./goal-end.ts";
import { runHandedIn } from "./handed-in.ts";
import { emptyReport, HANDED_IN, keptReport, nothingTried, readReport } from "./kept-report.ts";
import {
  attemptsOf,
  endAttempt,
  openAttempts,
  proposedAs,
  readGoal,
  workableGoals,
} from "./goal-store.ts";
import { judgeAttempt } from "./judge-attempt.ts";

const EVERY_MS = 1_000;
/** A body that does not ask for what it was told of is told again. */
const TOLD_AGAIN_MS = 10_000;
/** After the model could not be had, so long until it is asked again. */
const MODEL_PAUSE_MS = 60_000;

const outcomes = {
  reached: "accepted",
  "rolled-back": "rolled-back",
  refused: "refused",
} as const satisfies Record<string, AttemptOutcome>;

const kernel: Principal = { kind: "system", name: "kernel" };

export interface GoalParts {
  readonly db: JarvisDatabase;
  readonly executor: Pick<ActionExecutor, "perform">;
  /** The model's name; null where none is configured: then goals wait. */
  readonly model: string | null;
  readonly attempts: number;
  /** Whether the base names a body. Where it does not, the kernel's own loop asks. */
  readonly runsReleases: () => boolean;
  readonly body: () => Pick<BodyKeeper, "giveGoal" | "cancelGoal" | "state"> | null;
  readonly ask: BodyRequests["ask"];
  /** Ends the requests to the model that are made for a goal. */
  readonly stopAsking: (goalId: string) => void;
  /** Whether an attempt at the goal is worked on, or just begun. */
  readonly isAtWork: (goalId: string) => boolean;
  readonly onProblem: (error: unknown) => void;
}

export interface GoalKeeper {
  readonly changes: GoalChanges;
  readonly model: string | null;
  /** An operator added a goal (null) or moved it: who works on it is told. */
  changed(goalId: string, move: GoalMove | null): void;
  stop(): void;
}

/**
 * Hands goals out and settles them. One goal is worked on at a time, the most urgent first; while its
 * change is on its way through the pipeline, or waits for a person, the next one may begin.
 */
export async function keepGoals(parts: GoalParts): Promise<GoalKeeper> {
  const keeper = new Keeper(parts);
  // What an earlier kernel was in the middle of was cut off with it.
  await keeper.endInterrupted();
  const only = oneAtATime(async () => await keeper.look());
  const timer = setInterval(() => {
    if (!only.busy()) only.run().catch(parts.onProblem);
  }, EVERY_MS);
  timer.unref();
  return {
    changes: keeper.changes,
    model: parts.model,
    changed(goalId, move) {
      keeper.changed(goalId, move);
      only.run().catch(parts.onProblem);
    },
    stop() {
      clearInterval(timer);
      keeper.stop();
    },
  };
}

class Keeper {
  readonly changes: GoalChanges;
  readonly #parts: GoalParts;
  readonly #own: GoalLoop;
  readonly #over = new AbortController();
  #told: { readonly goalId: string; readonly attempts: number; readonly atMs: number } | null =
    null;

  constructor(parts: GoalParts) {
    this.#parts = parts;
    this.changes = new GoalChanges(parts.db, parts.executor);
    this.#own = new GoalLoop({
      ask: async (tool, input, goalId) => {
        const outcome = await parts.ask({ tool, input, goalId }, this.#over.signal);
        if (outcome.outcome === "completed") return outcome.output;
        throw new Error(outcome.reason);
      },
      report: () => undefined,
    });
  }

  async endInterrupted(): Promise<void> {
    for (const { goalId, number, state } of await openAttempts(this.#parts.db)) {
      if (state !== "working") continue;
      await this.#interrupted({ goalId, number }, "The kernel was stopped in the middle.");
    }
  }

  async look(): Promise<void> {
    const open = await openAttempts(this.#parts.db);
    const waiting = new Set<string>();
    for (const attempt of open) {
      if (attempt.state === "proposed" && !(await this.#settle(attempt))) {
        waiting.add(attempt.goalId);
      }
    }
    const working = open.filter(({ state }) => state === "working");
    for (const { goalId, number } of working) {
      // A database that failed when it ended has it worked on for ever, and every other goal waits.
      if (this.#parts.isAtWork(goalId)) continue;
      await this.#interrupted({ goalId, number }, "Its end could not be recorded.");
    }
    if (working.length > 0) return;
    if (this.#parts.model === null) return;
    const { mode } = await readSafetyState(this.#parts.db);
    if (mode !== "execute") return;
    for (const goal of await workableGoals(this.#parts.db)) {
      if (waiting.has(goal.id)) continue;
      if (await this.#mayBegin(goal)) {
        await this.#begin(goal);
        return;
      }
    }
  }

  changed(goalId: string, move: GoalMove | null): void {
    if (move !== "pause" && move !== "cancel") return;
    this.#parts.stopAsking(goalId);
    this.#parts.body()?.cancelGoal(goalId);
    this.#own.cancel(goalId);
    if (this.#told?.goalId === goalId) this.#told = null;
  }

  stop(): void {
    this.#over.abort();
  }

  /** Whether an attempt may be begun; ends a goal that had all of its own. */
  async #mayBegin(goal: GoalRow): Promise<boolean> {
    const attempts = await attemptsOf(this.#parts.db, goal.id);
    // One may have been begun since this look began, and it may be the last that the goal has.
    if (attempts.some(({ state }) => state !== "ended")) return false;
    const last = attempts.at(-1);
    if (last?.outcome === "model-unavailable") {
      // The host's trouble takes no attempt at once, and none of the goal's patience either.
      const since = Date.now() - (last.endedAt?.getTime() ?? 0);
      if (since < MODEL_PAUSE_MS) return false;
    }
    const after = afterAttempt(goal, last);
    if (after !== null) {
      await this.#move(goal.id, after.move, after.reason);
      return false;
    }
    const why = whyOver(goal, attempts, this.#parts.attempts);
    if (why === null) return true;
    await this.#move(goal.id, "give-up", withTried(why, attempts));
    return false;
  }

  async #begin(goal: GoalRow): Promise<void> {
    const { goalId = null, attempts = -1, atMs = 0 } = this.#told ?? {};
    // An attempt that was begun since then has ended again: the next one need not wait.
    const isTold = goalId === goal.id && attempts === goal.attempts;
    if (isTold && performance.now() - atMs < TOLD_AGAIN_MS) return;
    if (goal.state === "open") await this.#move(goal.id, "begin", "It is worked on.");
    const told: Goal = { id: goal.id, text: goal.text };
    if (this.#parts.runsReleases()) {
      const body = this.#parts.body();
      if (body === null || body.state !== "running" || !body.giveGoal(told)) return;
    } else {
      this.#own.add(told);
    }
    this.#told = { goalId: goal.id, attempts: goal.attempts, atMs: performance.now() };
  }

  /** Whether an attempt's run has come to an end that its goal can go on from. */
  async #settle({ goalId, number, runId, report }: GoalAttemptRow): Promise<boolean> {
    const result = runId === null ? null : await readRunResult(this.#parts.db, runId);
    if (result === null) return false;
    const judged = judgeAttempt(result, { runsReleases: this.#parts.runsReleases() });
    if (judged.verdict === "waiting") return false;
    const attempt = { goalId, number, tried: readReport(report) ?? nothingTried };
    this.#told = null;
    await this.#endWith(attempt, outcomes[judged.verdict], result);
    const goal = await readGoal(this.#parts.db, goalId);
    const last = (await attemptsOf(this.#parts.db, goalId)).at(-1);
    const after = goal === null ? null : afterAttempt(goal, last);
    if (after !== null) await this.#move(goalId, after.move, after.reason);
    return true;
  }

  async #endWith(
    { tried, ...attempt }: { goalId: string; number: number; tried: Tried },
    outcome: AttemptOutcome,
    result: RunResult,
  ): Promise<void> {
    const report = keptReport(reportOf(result, tried));
    await endAttempt(this.#parts.db, attempt, { outcome, report });
  }

  /**
   * Nothing is done to one that has been handed in, or has ended, since it was read. One that was cut
   * off behind that is settled by its run, like any other.
   */
  async #interrupted(attempt: { goalId: string; number: number }, reason: string): Promise<void> {
    const runId = await runHandedIn(this.#parts.db, attempt);
    if (runId !== null) {
      const report = keptReport({ ...emptyReport, reason: HANDED_IN });
      await proposedAs(this.#parts.db, attempt, { runId, report });
      return;
    }
    const end = { outcome: "interrupted", report: keptReport({ ...emptyReport, reason }) };
    await endAttempt(this.#parts.db, attempt, end, ["working"]);
  }

  /** A person may have moved the goal in between: theirs stands. */
  async #move(goalId: string, move: GoalMove, reason: string): Promise<void> {
    try {
      await this.changes.move(goalId, move, { by: kernel, reason });
    } catch (error) {
      this.#parts.onProblem(error);
    }
  }
}
