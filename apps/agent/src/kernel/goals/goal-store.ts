import {
  endedGoalStates,
  goalAttempts,
  goals,
  modelCalls,
  type GoalAttemptRow,
  type GoalRow,
  type GoalState,
  type JarvisDatabase,
} from "@jarvis/db";
import { and, asc, desc, eq, inArray, lt, ne, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { v7 as uuidv7 } from "uuid";
import { goalMoves, type GoalMove } from "./goal-states.ts";

/** What a goal may use; null is what is configured. Money in millionths of a dollar. */
export interface GoalBudget {
  readonly maxAttempts: number | null;
  readonly maxTokens: number | null;
  readonly maxMicroUsd: number | null;
  readonly maxSteps: number | null;
  readonly maxMinutes: number | null;
}

export interface NewGoal extends GoalBudget {
  readonly id: string;
  readonly text: string;
  readonly priority: number;
  readonly requestedBy: string;
}

/** What was asked of models, ended or not: what a crash cut off counts with what it might have cost. */
export interface Spent {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly microUsd: number;
  /** Answers of a model. */
  readonly steps: number;
  /** The time that models took, in milliseconds. */
  readonly durationMs: number;
}

export function newGoalId(): string {
  return uuidv7();
}

/** False where a goal of that id is there already: a repeated request made one goal. */
export async function insertGoal(db: JarvisDatabase, goal: NewGoal): Promise<boolean> {
  const rows = await db.insert(goals).values(goal).onConflictDoNothing().returning();
  return rows.length > 0;
}

/** The goal as it is after the move, or null where it was not in a state to move from. */
export async function moveGoal(
  db: JarvisDatabase,
  id: string,
  move: GoalMove,
  detail: string | null,
): Promise<GoalRow | null> {
  const { from, to } = goalMoves[move];
  const isEnd = endedGoalStates.some((state) => state === to);
  // The database decides between a pause and an end that come at the same time.
  const [row] = await db
    .update(goals)
    .set({
      state: to,
      detail,
      updatedAt: sql`clock_timestamp()`,
      endedAt: isEnd ? sql`clock_timestamp()` : null,
    })
    .where(and(eq(goals.id, id), inArray(goals.state, [...from])))
    .returning();
  return row ?? null;
}

export async function readGoal(db: JarvisDatabase, id: string): Promise<GoalRow | null> {
  const [row] = await db.select().from(goals).where(eq(goals.id, id));
  return row ?? null;
}

/** Newest first; `before` is the id of the last one that the reader has. */
export async function listGoals(
  db: JarvisDatabase,
  { limit, before, state }: { limit: number; before?: string; state?: GoalState },
): Promise<GoalRow[]> {
  // Ids are made from the time, so that they sort by it.
  return await db
    .select()
    .from(goals)
    .where(
      and(
        before === undefined ? undefined : lt(goals.id, before),
        state === undefined ? undefined : eq(goals.state, state),
      ),
    )
    .orderBy(desc(goals.id))
    .limit(limit);
}

/** Goals to be worked on, the most urgent first. */
export async function workableGoals(db: JarvisDatabase): Promise<GoalRow[]> {
  return await db
    .select()
    .from(goals)
    .where(inArray(goals.state, ["open", "running"]))
    .orderBy(desc(goals.priority), asc(goals.id));
}

/** Oldest first. */
export async function attemptsOf(db: JarvisDatabase, goalId: string): Promise<GoalAttemptRow[]> {
  return await db
    .select()
    .from(goalAttempts)
    .where(eq(goalAttempts.goalId, goalId))
    .orderBy(asc(goalAttempts.number));
}

/** Begins the next attempt of a goal that is worked on; null where it is not, or where one is open. */
export async function beginAttempt(db: JarvisDatabase, goalId: string): Promise<number | null> {
  return await db.transaction(async (tx) => {
    // The goal's row is the lock: two that ask at the same time come one after the other.
    await tx.select().from(goals).where(eq(goals.id, goalId)).for("update");
    const open = and(eq(goalAttempts.goalId, goalId), ne(goalAttempts.state, "ended"));
    if ((await tx.$count(goalAttempts, open)) > 0) return null;
    const [goal] = await tx
      .update(goals)
      .set({ attempts: sql`${goals.attempts} + 1`, updatedAt: sql`clock_timestamp()` })
      .where(and(eq(goals.id, goalId), eq(goals.state, "running")))
      .returning();
    if (goal === undefined) return null;
    await tx.insert(goalAttempts).values({ goalId, number: goal.attempts });
    return goal.attempts;
  });
}

/** Links an attempt that is worked on to the run that it has handed in. */
export async function proposedAs(
  db: JarvisDatabase,
  { goalId, number }: { goalId: string; number: number },
  proposal: { readonly runId: string; readonly report: string },
): Promise<void> {
  await db
    .update(goalAttempts)
    .set({ state: "proposed", ...proposal })
    .where(
      and(
        eq(goalAttempts.goalId, goalId),
        eq(goalAttempts.number, number),
        eq(goalAttempts.state, "working"),
      ),
    );
}

/** Ends an attempt once; a second end changes nothing. */
export async function endAttempt(
  db: JarvisDatabase,
  { goalId, number }: { goalId: string; number: number },
  end: { outcome: string; report: string | null },
  from: readonly GoalAttemptRow["state"][] = ["working", "proposed"],
): Promise<void> {
  await db
    .update(goalAttempts)
    .set({ state: "ended", endedAt: sql`clock_timestamp()`, ...end })
    .where(
      and(
        eq(goalAttempts.goalId, goalId),
        eq(goalAttempts.number, number),
        inArray(goalAttempts.state, [...from]),
      ),
    );
}

/** Attempts that no end is written of. */
export async function openAttempts(db: JarvisDatabase): Promise<GoalAttemptRow[]> {
  return await db
    .select()
    .from(goalAttempts)
    .where(inArray(goalAttempts.state, ["working", "proposed"]))
    .orderBy(asc(goalAttempts.startedAt));
}

const nothingSpent: Spent = {
  inputTokens: 0,
  outputTokens: 0,
  microUsd: 0,
  steps: 0,
  durationMs: 0,
};

const sum = (column: AnyPgColumn) => sql<number>`coalesce(sum(${column}), 0)::float8`;

const spentColumns = {
  inputTokens: sum(modelCalls.inputTokens),
  outputTokens: sum(modelCalls.outputTokens),
  microUsd: sum(modelCalls.microUsd),
  steps: sql<number>`count(*)::int`,
  durationMs: sum(modelCalls.durationMs),
};

/** What was spent on a goal, on one of its attempts, or since a moment on all of them. */
export async function spentOn(
  db: JarvisDatabase,
  what: { goalId?: string; attempt?: number; since?: Date },
): Promise<Spent> {
  const [row] = await db
    .select(spentColumns)
    .from(modelCalls)
    .where(
      and(
        what.goalId === undefined ? undefined : eq(modelCalls.goalId, what.goalId),
        what.attempt === undefined ? undefined : eq(modelCalls.attempt, what.attempt),
        what.since === undefined
          ? undefined
          : sql`${modelCalls.startedAt} >= ${what.since.toISOString()}`,
      ),
    );
  return row ?? nothingSpent;
}

/** The goals, each with what was spent on it. */
export async function withSpent(
  db: JarvisDatabase,
  found: readonly GoalRow[],
): Promise<{ readonly goal: GoalRow; readonly spent: Spent }[]> {
  if (found.length === 0) return [];
  const rows = await db
    .select({ goalId: modelCalls.goalId, ...spentColumns })
    .from(modelCalls)
    .where(
      inArray(
        modelCalls.goalId,
        found.map(({ id }) => id),
      ),
    )
    .groupBy(modelCalls.goalId);
  const spent = new Map(rows.map(({ goalId, ...each }) => [goalId, each]));
  return found.map((goal) => ({ goal, spent: spent.get(goal.id) ?? nothingSpent }));
}

/** The goal and the attempt that a run was proposed by, with what it cost; null for any other run. */
export async function spentOnRun(
  db: JarvisDatabase,
  runId: string,
): Promise<{ goalId: string; attempt: number; spent: Spent } | null> {
  const [row] = await db.select().from(goalAttempts).where(eq(goalAttempts.runId, runId));
  if (row === undefined) return null;
  const { goalId, number: attempt } = row;
  return { goalId, attempt, spent: await spentOn(db, { goalId, attempt }) };
}
