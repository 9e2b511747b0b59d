import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import {
  ActionAuditor,
  ActionExecutor,
  ActionRegistry,
  listProposals,
  SafetyController,
  SessionRiskTracker,
} from "@jarvis/operator-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { kernelPolicy } from "../actions.ts";
import { RollbackJobs } from "./rollback-action.ts";

let database: TestDatabase;
let safety: SafetyController;
let executor: ActionExecutor;
const jobs = new RollbackJobs();
const rollback = {
  fromReleaseDigest: `sha256:${"a".repeat(64)}`,
  cause: "health-window-failed",
  reason: "error-rate-risen",
} as const;

beforeAll(async () => {
  database = await createTestDatabase();
  safety = new SafetyController(database.db);
  executor = new ActionExecutor({
    db: database.db,
    registry: new ActionRegistry().register(jobs.action()),
    policy: kernelPolicy,
    safety,
    sessions: new SessionRiskTracker(),
  });
});

afterAll(async () => {
  executor.close();
  await database.close();
});

const newest = async () => (await listProposals(database.db, { limit: 1 }))[0];

it("is done once, as an action that is on record", async () => {
  await safety.setMode("execute", { reason: "test", actor: "anna" });
  let times = 0;
  const work = async () => await Promise.resolve((times += 1));
  expect(await jobs.asAction(executor, rollback, work)).toBe(1);
  const action = await newest();
  expect(action).toMatchObject({ actionName: "roll_back", state: "completed" });
  const events = await new ActionAuditor(database.db).getEvents({ proposalId: action?.id ?? 0 });
  expect(events.map(({ eventType }) => eventType)).toContain("completed");
});

it("is done in observe as well, and the refusal is on record", async () => {
  await safety.setMode("observe", { reason: "test", actor: "anna" });
  expect(await jobs.asAction(executor, rollback, async () => await Promise.resolve("back"))).toBe(
    "back",
  );
  expect(await newest()).toMatchObject({ actionName: "roll_back", state: "cancelled" });
});

it("does not wait for a database that does not answer", async () => {
  const silent = { perform: async () => await new Promise<never>(() => undefined) };
  const started = performance.now();
  expect(await jobs.asAction(silent, rollback, async () => await Promise.resolve("back"))).toBe(
    "back",
  );
  expect(performance.now() - started).toBeLessThan(5_000);
});

it("throws what the way back throws, and does nothing for whoever only proposes the action", async () => {
  await safety.setMode("execute", { reason: "test", actor: "anna" });
  const broken = async (): Promise<never> => {
    await Promise.resolve();
    throw new Error("no way back");
  };
  await expect(jobs.asAction(executor, rollback, broken)).rejects.toThrow("no way back");
  const outcome = await executor.perform({
    actionName: "roll_back",
    parameters: { job: "guessed", fromReleaseDigest: "x", cause: "operator" },
    reason: "somebody else",
    requester: { kind: "agent", name: "body" },
    agentId: "body",
    sessionId: "body",
  });
  expect(outcome).toMatchObject({ outcome: "failed" });
});
