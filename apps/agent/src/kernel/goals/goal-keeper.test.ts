import { agentState } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import {
  appendSelfExtensionEvent,
  parseProposal,
  readRunEvents,
  recordProposal,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../../testing/kernel-program.ts";
import { keepGoals, type GoalKeeper } from "./goal-keeper.ts";
import {
  attemptsOf,
  beginAttempt,
  endAttempt,
  insertGoal,
  moveGoal,
  readGoal,
} from "./goal-store.ts";
import { proposedBy } from "./handed-in.ts";

let database: TestDatabase;
let keeper: GoalKeeper;
let moves: unknown[];
let isAtWork: boolean;

beforeEach(async () => {
  database = await createTestDatabase();
  moves = [];
  isAtWork = true;
  const { db } = database;
  const mode = { mode: "execute", reason: "test", updatedBy: "test", updatedAt: new Date() };
  await db
    .insert(agentState)
    .values({ key: "system:safety", value: mode })
    .onConflictDoUpdate({ target: agentState.key, set: { value: mode } });
  await addRunning("one");
  keeper = await keepGoals({
    db,
    executor: {
      async perform({ parameters }) {
        moves.push(parameters);
        return await Promise.reject(new Error("not here"));
      },
    },
    model: "scripted",
    attempts: 3,
    runsReleases: () => true,
    body: () => null,
    ask: async () => await Promise.reject(new Error("not here")),
    stopAsking: () => undefined,
    isAtWork: () => isAtWork,
    onProblem: () => undefined,
  });
});
afterEach(async () => {
  keeper.stop();
  await database.close();
});

it("does not give a goal up whose last attempt was begun in the middle of its look", async () => {
  const { db } = database;
  await addRunning("two");
  await beginAttempt(db, "two");
  await endAttempt(db, { goalId: "two", number: 1 }, { outcome: "refused", report: null });
  await db.transaction(async (tx) => {
    // The look has seen that nothing is worked on, and waits here for the goals.
    await tx.execute(sql`lock table goals in access exclusive mode`);
    keeper.changed("one", null);
    await untilSomebodyWaits();
    expect(await beginAttempt(tx, "one")).toBe(1);
  });
  // The same look goes on to the goal behind it, which has had its attempt.
  await untilMoved();
  expect(moves).toMatchObject([{ change: "give-up", goalId: "two" }]);
  expect(await readGoal(db, "one")).toMatchObject({ state: "running" });
});

it("gives it up once that attempt has ended", async () => {
  const { db } = database;
  await beginAttempt(db, "one");
  await endAttempt(db, { goalId: "one", number: 1 }, { outcome: "refused", report: null });
  keeper.changed("one", null);
  await untilMoved();
  expect(moves[0]).toMatchObject({ change: "give-up", goalId: "one" });
});

it.each([
  ["accepted", "reach"],
  ["rolled-back", "pause"],
])("goes on where a kernel stopped behind an attempt that was %s: %s", async (outcome, change) => {
  const { db } = database;
  await beginAttempt(db, "one");
  await endAttempt(db, { goalId: "one", number: 1 }, { outcome, report: null });
  keeper.changed("one", null);
  await untilMoved();
  expect(moves[0]).toMatchObject({ change, goalId: "one" });
});

it("does not wait for an attempt that nobody works on, whose end the database did not take", async () => {
  const { db } = database;
  await beginAttempt(db, "one");
  keeper.changed("one", null);
  await sleep(100);
  expect(await attemptsOf(db, "one")).toMatchObject([{ state: "working" }]);
  isAtWork = false;
  keeper.changed("one", null);
  const ended = await until(async () => {
    const [attempt] = await attemptsOf(db, "one");
    return attempt?.state === "ended" ? attempt : null;
  });
  expect(ended.outcome).toBe("interrupted");
});

it("links an attempt that was cut off to the run that it had handed in, and settles it by that", async () => {
  const { db } = database;
  await beginAttempt(db, "one");
  const runId = await handIn({ goalId: "one", number: 1 });
  isAtWork = false;
  keeper.changed("one", null);
  const linked = await until(async () => {
    const [attempt] = await attemptsOf(db, "one");
    return attempt?.state === "working" ? null : attempt;
  });
  expect(linked).toMatchObject({ state: "proposed", runId });
  await fail(runId);
  const ended = await until(async () => {
    const [attempt] = await attemptsOf(db, "one");
    return attempt?.state === "ended" ? attempt : null;
  });
  expect(ended).toMatchObject({ outcome: "refused", runId });
});

/** As an attempt does it, whose end is never recorded. */
async function handIn(attempt: { goalId: string; number: number }): Promise<string> {
  const patch =
    "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+x\n";
  const proposal = parseProposal({ patch, ...proposedBy(attempt) });
  return await recordProposal({ db: database.db } as PipelineWorld, proposal);
}

async function fail(runId: string): Promise<void> {
  const { db } = database;
  const [first] = await readRunEvents(db, runId);
  if (first === undefined) throw new Error("the run is gone");
  await appendSelfExtensionEvent(db, {
    context: first.context,
    type: "failed",
    stage: "pipeline",
    idempotencyKey: "failed:1",
    payload: { attempt: 1, category: "internal", reason: "a bug", code: null },
  });
}

async function addRunning(id: string): Promise<void> {
  await insertGoal(database.db, {
    id,
    text: "a goal of one attempt",
    priority: 0,
    maxAttempts: 1,
    maxTokens: null,
    maxMicroUsd: null,
    maxSteps: null,
    maxMinutes: null,
    requestedBy: "anna",
  });
  await moveGoal(database.db, id, "begin", null);
}

async function untilMoved(): Promise<void> {
  await until(() => (moves.length > 0 ? true : null));
}

async function untilSomebodyWaits(): Promise<void> {
  await until(async () => {
    const rows = await database.db.execute(sql`
      select 1 from pg_locks where not granted and relation = 'goals'::regclass`);
    return rows.length > 0 ? true : null;
  });
}
