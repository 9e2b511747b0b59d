import { goals } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { SafetyController } from "@jarvis/operator-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { startModelHost } from "../../testing/model-host.ts";
import { moveGoal } from "../goals/goal-store.ts";
import { readModelConfig } from "./model-config.ts";
import type { ModelRequest } from "./model-port.ts";
import { openModel, type Model } from "./open-model.ts";

const never = new AbortController().signal;
const request: ModelRequest = {
  system: "",
  messages: [{ role: "user", parts: [{ text: "hello" }] }],
  tools: [],
  maxOutputTokens: 100,
};
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await setMode("execute");
});
afterAll(() => database.close());

it("a goal that is paused at any moment of a request has it stopped", async () => {
  const { model, ask, heard } = await world();
  for (const id of ["paused-at-once", "paused-later"]) await add(id);
  const opened = ask("paused-at-once");
  // Before the look at the goal, and with nothing yet that could be closed.
  model.stop("paused-at-once");
  await expect(opened).rejects.toMatchObject({ code: "stopped" });
  const streaming = ask("paused-later");
  await expect.poll(heard, { timeout: 20_000 }).toBe(1);
  model.stop("paused-later");
  await expect(streaming).rejects.toMatchObject({ code: "stopped" });
  await moveGoal(database.db, "paused-later", "pause", "later");
  await expect(ask("paused-later")).rejects.toMatchObject({ code: "stopped" });
  expect(heard()).toBe(1);
});

it("nothing is asked while Jarvis only observes", async () => {
  const { ask, heard } = await world("an answer");
  await add("observed");
  await setMode("observe");
  await expect(ask("observed")).rejects.toMatchObject({ code: "stopped" });
  expect(heard()).toBe(0);
  await setMode("execute");
  expect(await ask("observed")).toMatchObject({ text: "an answer" });
});

it("another goal's pause stops no request", async () => {
  const { model, ask, heard } = await world("an answer");
  await add("goes-on");
  const asked = ask("goes-on");
  model.stop("another");
  expect(await asked).toMatchObject({ text: "an answer" });
  expect(heard()).toBe(1);
});

async function setMode(mode: "observe" | "execute"): Promise<void> {
  await new SafetyController(database.db).setMode(mode, { reason: "test", actor: "test" });
}

async function add(id: string): Promise<void> {
  await database.db.insert(goals).values({ id, text: "x", state: "running", requestedBy: "test" });
}

async function world(text?: string): Promise<{
  model: Model;
  ask: (goalId: string) => Promise<unknown>;
  heard: () => number;
}> {
  const host = await startModelHost([text === undefined ? { text: "and", hangs: true } : { text }]);
  onTestFinished(async () => await host.close());
  const named = { model: "openai-compatible/scripted", baseUrl: host.baseUrl };
  const config = readModelConfig({ ...unset, ...named }, "/");
  if (config === null) throw new Error("no model");
  const model = openModel(config, database.db);
  return {
    model,
    heard: () => host.heard.length,
    async ask(goalId) {
      const { budgets } = config;
      return await model.for({ goalId, attempt: 1, budgets }).ask(request, never);
    },
  };
}

const unset = {
  key: undefined,
  keyFile: undefined,
  price: undefined,
  budget: undefined,
  record: undefined,
  maxOutputTokens: undefined,
  attempts: undefined,
};
