import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compareAndSetAgentState, readAgentState } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { killSwitch, readSafetyState, setSafetyMode } from "@jarvis/operator-core";
import { readRunEvents } from "./lifecycle-events.ts";
import {
  getPromotionControlState,
  PROMOTION_CONTROL_STREAM,
  setPromotionControlState,
} from "./promotion-control.ts";

const KEY = "self_extension:promotion_control";
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => await database.close());

beforeEach(async () => {
  await set(false, "a new test");
});

describe("Promotion pause state is persisted and evaluated independently from the kill switch", () => {
  it("keeps who paused, why and when", async () => {
    const written = await set(true, "freeze for the release");
    const read = await getPromotionControlState(database.db);
    expect(read).toEqual({ ...written, problem: null });
    expect(read).toMatchObject({
      paused: true,
      reason: "freeze for the release",
      updatedBy: "anna",
    });
    expect(Date.parse(read.updatedAt)).toBeGreaterThan(Date.now() - 60_000);
  });

  it("leaves the pause alone when the kill switch is pulled, and the mode when promotion is paused", async () => {
    await setSafetyMode(database.db, { mode: "execute", reason: "test", actor: "anna" });
    await set(true, "freeze");
    expect(await readSafetyState(database.db)).toMatchObject({ mode: "execute" });
    await set(false, "go on");
    await killSwitch(database.db, { reason: "smoke", actor: "anna" }, { onKill: [] });
    expect(await readSafetyState(database.db)).toMatchObject({ mode: "observe" });
    expect(await getPromotionControlState(database.db)).toMatchObject({
      paused: false,
      problem: null,
    });
  });
});

describe("whatever cannot be read is paused", () => {
  it("pauses where the row is missing, and lets pass once it is set", async () => {
    const admin = database.openAdmin();
    await admin`delete from agent_state where key = ${KEY}`;
    await admin.end();
    expect(await getPromotionControlState(database.db)).toMatchObject({
      paused: true,
      problem: expect.stringContaining("missing"),
    });
    await set(false, "set anew");
    expect(await getPromotionControlState(database.db)).toMatchObject({
      paused: false,
      problem: null,
    });
  });

  it.each([
    ["an empty object", {}],
    ["null", null],
    ["a word for the truth", { paused: "false", reason: "", updatedBy: "x", updatedAt: "" }],
    ["no reason", { paused: false, updatedBy: "x", updatedAt: "" }],
    ["a list", [{ paused: false }]],
  ])("pauses where the value is %s", async (_, value) => {
    const row = await readAgentState(database.db, KEY);
    await compareAndSetAgentState(database.db, KEY, {
      expectedVersion: row?.version ?? null,
      value: value ?? "null",
    });
    expect(await getPromotionControlState(database.db)).toMatchObject({
      paused: true,
      problem: expect.stringContaining("malformed"),
    });
  });

  it("pauses where the database cannot be reached", async () => {
    const gone = await createTestDatabase();
    await gone.close();
    expect(await getPromotionControlState(gone.db)).toMatchObject({
      paused: true,
      problem: "the database could not be read",
    });
  });

  it("pauses where the database does not answer", async () => {
    const admin = database.openAdmin();
    await admin.begin(async (tx) => {
      await tx`lock table agent_state in access exclusive mode`;
      expect(await getPromotionControlState(database.db)).toMatchObject({ paused: true });
    });
    await admin.end();
    expect(await getPromotionControlState(database.db)).toMatchObject({ paused: false });
  });
});

describe("setPromotionControlState", () => {
  it("writes the event in the transaction of the change: both or neither", async () => {
    const before = await changes();
    const undone = database.db.transaction(async (tx) => {
      await setPromotionControlState(tx, { paused: true, reason: "x", updatedBy: "anna" });
      throw new Error("changed my mind");
    });
    await expect(undone).rejects.toThrow("changed my mind");
    expect(await getPromotionControlState(database.db)).toMatchObject({ paused: false });
    expect(await changes()).toHaveLength(before.length);
    await set(true, "for real");
    expect((await changes()).at(-1)).toMatchObject({
      type: "promotion_pause_changed",
      payload: { paused: true, reason: "for real", updatedBy: "anna", previouslyPaused: false },
    });
  });

  it("lets two operators change it at once, one after the other", async () => {
    const before = (await changes()).length;
    await Promise.all(
      Array.from({ length: 6 }, async (_, index) => await set(index % 2 === 0, `change ${index}`)),
    );
    const events = (await changes()).slice(before);
    expect(events).toHaveLength(6);
    const last = events.at(-1);
    const state = await getPromotionControlState(database.db);
    expect(last?.type === "promotion_pause_changed" && last.payload.reason).toBe(state.reason);
  });

  it.each([
    ["of great length", "世".repeat(20_000)],
    ["with a NUL", "stop\u0000now"],
    ["with half a character", "stop \ud83d"],
  ])("pauses whatever the reason is: one %s", async (_, reason) => {
    await set(true, reason);
    expect(await getPromotionControlState(database.db)).toMatchObject({
      paused: true,
      problem: null,
    });
  });
});

async function set(paused: boolean, reason: string) {
  return await setPromotionControlState(database.db, { paused, reason, updatedBy: "anna" });
}

async function changes() {
  return await readRunEvents(database.db, PROMOTION_CONTROL_STREAM);
}
