import { modelCalls } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  attemptsOf,
  beginAttempt,
  endAttempt,
  insertGoal,
  listGoals,
  moveGoal,
  proposedAs,
  withSpent,
  workableGoals,
} from "./goal-store.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

it("hands out the most urgent goal first, among equals the older, and none that is paused or over", async () => {
  const { db } = database;
  for (const [id, priority] of Object.entries({ a: 0, b: 5, c: 5, d: -1, e: 9, f: 9 })) {
    expect(await add(id, priority)).toBe(true);
  }
  // A repeated request makes no second goal, and changes nothing of the first.
  expect(await add("a", 100)).toBe(false);
  await moveGoal(db, "e", "pause", "later");
  await moveGoal(db, "f", "cancel", "never");
  await moveGoal(db, "d", "begin", null);
  expect((await workableGoals(db)).map(({ id }) => id)).toEqual(["b", "c", "a", "d"]);
  await moveGoal(db, "e", "resume", "now");
  expect((await workableGoals(db))[0]?.id).toBe("e");
});

it("begins one attempt of a goal at a time, and none of one that is not worked on", async () => {
  const { db } = database;
  await add("one", 0);
  expect(await beginAttempt(db, "one")).toBeNull();
  await moveGoal(db, "one", "begin", null);
  const begun = await Promise.all([1, 2, 3].map(async () => await beginAttempt(db, "one")));
  expect(begun.filter((number) => number !== null)).toEqual([1]);
  await proposedAs(db, { goalId: "one", number: 1 }, { runId: "a-run", report: "{}" });
  expect(await beginAttempt(db, "one")).toBeNull();
  const end = { outcome: "refused", report: `{"reason":"first"}` };
  await endAttempt(db, { goalId: "one", number: 1 }, end);
  await endAttempt(db, { goalId: "one", number: 1 }, { ...end, outcome: "accepted" });
  expect(await attemptsOf(db, "one")).toMatchObject([{ runId: "a-run", outcome: "refused" }]);
  expect(await beginAttempt(db, "one")).toBe(2);
});

it("lists pages of goals with what each has cost", async () => {
  const { db } = database;
  const call = { attempt: 1, model: "m", inputTokens: 10, outputTokens: 2, microUsd: 7 };
  await db.insert(modelCalls).values([
    { goalId: "b", ...call },
    { goalId: "b", ...call, durationMs: 5, outcome: "answered" as const },
  ]);
  const first = await withSpent(db, await listGoals(db, { limit: 2, before: "c" }));
  expect(first.map(({ goal, spent }) => [goal.id, spent.steps, spent.microUsd])).toEqual([
    ["b", 2, 14],
    ["a", 0, 0],
  ]);
  expect(await withSpent(db, await listGoals(db, { limit: 2, before: "a" }))).toEqual([]);
});

async function add(id: string, priority: number): Promise<boolean> {
  const none = { maxTokens: null, maxMicroUsd: null, maxSteps: null, maxMinutes: null };
  const goal = { id, priority, text: id, requestedBy: "test", maxAttempts: null, ...none };
  return await insertGoal(database.db, goal);
}
