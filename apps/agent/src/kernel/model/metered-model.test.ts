import { goals, modelCalls } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spentOn } from "../goals/goal-store.ts";
import { meteredModel } from "./metered-model.ts";
import type { BudgetLimits } from "./model-config.ts";
import { ModelError, type ModelAnswer, type ModelPort, type ModelRequest } from "./model-port.ts";

const free: BudgetLimits = { tokens: null, microUsd: null, steps: null, minutes: null };
const request: ModelRequest = {
  system: "",
  messages: [{ role: "user", parts: [{ text: "x".repeat(300) }] }],
  tools: [],
  maxOutputTokens: 1_000,
};
const answer: ModelAnswer = {
  text: "yes",
  calls: [],
  finish: "stop",
  usage: { inputTokens: 200, outputTokens: 50 },
};
const never = new AbortController().signal;
let database: TestDatabase;
let sequence = 0;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

describe("a request to a model", () => {
  it("is on record before it is sent, with what it may take, and after it with what it took", async () => {
    const goalId = `goal-${(sequence += 1)}`;
    const during: unknown[] = [];
    await metered(goalId, {}, async () => {
      during.push(await calls(goalId));
      return answer;
    }).ask(request, never);
    expect(during).toEqual([
      [expect.objectContaining({ outcome: null, outputTokens: 1_000, durationMs: null })],
    ]);
    // 200 tokens at 3 and 50 at 15 dollars for a million.
    expect(await calls(goalId)).toMatchObject([
      { outcome: "answered", inputTokens: 200, outputTokens: 50, microUsd: 1_350 },
    ]);
  });

  it("that was stopped is counted by what went and came; one that was refused is free", async () => {
    const goalId = `goal-${(sequence += 1)}`;
    const failing = (error: ModelError): ModelPort =>
      metered(goalId, {}, async () => await Promise.reject(error));
    const stopped = new ModelError("stopped", "stopped", { receivedCharacters: 30 });
    await expect(failing(stopped).ask(request, never)).rejects.toBe(stopped);
    const busy = new ModelError("rate-limited", "wait");
    await expect(failing(busy).ask(request, never)).rejects.toBe(busy);
    const [first, second] = await calls(goalId);
    expect(first).toMatchObject({ outcome: "aborted", outputTokens: 10 });
    expect(first?.inputTokens).toBeGreaterThan(100);
    expect(second).toMatchObject({ outcome: "failed", inputTokens: 0, outputTokens: 0 });
    expect(second?.detail).toBe("rate-limited: wait");
  });
});

describe("a budget", () => {
  it.each([
    ["tokens", { tokens: 1_249 }, { tokens: 1_250 + 1_150 }],
    ["dollars", { microUsd: 15_000 }, { microUsd: 1_350 + 16_000 }],
    ["steps", { steps: 1 }, { steps: 2 }],
  ])("of %s refuses what does not fit, and lets pass what does", async (_unit, small, large) => {
    const goalId = `goal-${(sequence += 1)}`;
    await metered(goalId, {}, async () => await Promise.resolve(answer)).ask(request, never);
    let asked = 0;
    const count = async (): Promise<ModelAnswer> => {
      asked += 1;
      return await Promise.resolve(answer);
    };
    await expect(metered(goalId, { goal: small }, count).ask(request, never)).rejects.toMatchObject(
      {
        code: "budget",
      },
    );
    expect(asked).toBe(0);
    await metered(goalId, { goal: large }, count).ask(request, never);
    expect(asked).toBe(1);
  });

  it("of a day counts every goal, and what a crash cut off in full", async () => {
    const spent = (await database.db.select().from(modelCalls)).reduce(
      (sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens,
      0,
    );
    await database.db.insert(modelCalls).values({
      goalId: "cut-off",
      attempt: 1,
      model: "test/model",
      inputTokens: 1_000,
      outputTokens: 9_000,
      microUsd: 0,
    });
    const asking = async (tokens: number): Promise<ModelAnswer> =>
      await metered("another", { day: { tokens } }, async () => await Promise.resolve(answer)).ask(
        request,
        never,
      );
    await expect(asking(spent + 10_000)).rejects.toMatchObject({ code: "day-budget" });
    expect((await asking(spent + 10_000 + 2_000)).text).toBe("yes");
  });

  it("of minutes ends with the time that the model took", async () => {
    const goalId = `goal-${(sequence += 1)}`;
    await database.db.insert(goals).values({ id: goalId, text: "x", requestedBy: "test" });
    const call = { goalId, attempt: 1, model: "m", inputTokens: 1, outputTokens: 1, microUsd: 0 };
    await database.db
      .insert(modelCalls)
      .values({ ...call, durationMs: 59_000, outcome: "answered" as const });
    const ask = async (): Promise<ModelAnswer> =>
      await metered(goalId, { run: { minutes: 1 } }, async () => await Promise.resolve(answer)).ask(
        request,
        never,
      );
    await ask();
    await database.db
      .insert(modelCalls)
      .values({ ...call, durationMs: 1_000, outcome: "answered" as const });
    await expect(ask()).rejects.toMatchObject({ code: "budget" });
  });

  it.each([
    ["run", "budget"],
    ["goal", "budget"],
    ["day", "day-budget"],
  ] as const)(
    "of minutes of a %s ends an answer that goes on and on, and counts it",
    async (span, code) => {
      const goalId = `goal-${(sequence += 1)}`;
      const { durationMs } = await spentOn(database.db, span === "day" ? {} : { goalId });
      const call = { goalId, attempt: 1, model: "m", inputTokens: 1, outputTokens: 1, microUsd: 0 };
      // All of them but 80 ms.
      const minutes = Math.ceil(durationMs / 60_000) + 1;
      await database.db.insert(modelCalls).values({
        ...call,
        durationMs: minutes * 60_000 - durationMs - 80,
        outcome: "answered" as const,
      });
      const endless = meteredWith(goalId, { [span]: { minutes } }, async (signal) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        throw new ModelError("stopped", "stopped", { receivedCharacters: 30 });
      });
      await expect(endless.ask(request, never)).rejects.toMatchObject({ code });
      expect((await calls(goalId)).at(-1)).toMatchObject({ outcome: "aborted", outputTokens: 10 });
    },
  );

  it("is not given twice to two that ask at the same time", async () => {
    const goalId = `goal-${(sequence += 1)}`;
    let asked = 0;
    const model = metered(goalId, { goal: { steps: 3 } }, async () => {
      asked += 1;
      return await Promise.resolve(answer);
    });
    const all = Array.from({ length: 8 }, async () => await model.ask(request, never));
    const ended = await Promise.allSettled(all);
    expect(ended.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    expect(asked).toBe(3);
  });
});

function metered(
  goalId: string,
  limits: {
    run?: Partial<BudgetLimits>;
    goal?: Partial<BudgetLimits>;
    day?: Partial<BudgetLimits>;
  },
  ask: () => Promise<ModelAnswer>,
): ModelPort {
  return meteredWith(goalId, limits, ask);
}

function meteredWith(
  goalId: string,
  limits: Parameters<typeof metered>[1],
  ask: (signal: AbortSignal) => Promise<ModelAnswer>,
): ModelPort {
  const budgets = {
    run: { ...free, ...limits.run },
    goal: { ...free, ...limits.goal },
    day: { ...free, ...limits.day },
  };
  return meteredModel(
    { name: "test/model", ask: async (_request, signal) => await ask(signal) },
    { db: database.db, price: { input: 3, output: 15 }, account: { goalId, attempt: 1, budgets } },
  );
}

async function calls(goalId: string) {
  const rows = await database.db.select().from(modelCalls).orderBy(modelCalls.id);
  return rows.filter((row) => row.goalId === goalId);
}
