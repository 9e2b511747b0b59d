import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareAndSetAgentState, readAgentState } from "./agent-state.ts";
import { agentStateKeys } from "./schema/index.ts";
import { createTestDatabase, refusalOf } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.close());

describe("agent state", () => {
  it("exists from the first moment, in its safe position", async () => {
    const rows = await Promise.all(agentStateKeys.map((key) => readAgentState(database.db, key)));
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const initial = { reason: "initial state", updatedBy: "system", updatedAt: at };
    expect(Object.fromEntries(rows.map((row) => [row?.key, row?.value]))).toEqual({
      "self_extension:promotion_control": { paused: false, ...initial },
      "self_extension:pipeline_status": { state: "idle" },
      "self_extension:known_good_baseline": { sha: null },
      "system:safety": { mode: "observe", ...initial },
      "system:loop_health": { state: "unknown" },
    });
    expect(rows.map((row) => row?.version)).toEqual([1, 1, 1, 1, 1]);
  });

  it("answers null for a key that is not there", async () => {
    expect(await readAgentState(database.db, "no:such")).toBeNull();
  });

  it("writes when the version is the expected one and answers the next", async () => {
    const key = "system:loop_health";
    const change = { expectedVersion: 1, value: { state: "healthy" } };
    const written = await compareAndSetAgentState(database.db, key, change);
    expect(written).toMatchObject({
      outcome: "written",
      row: { version: 2, value: { state: "healthy" } },
    });
    const late = await compareAndSetAgentState(database.db, key, change);
    expect(late).toMatchObject({ outcome: "conflict", current: { version: 2 } });
  });

  it("lets exactly one of many concurrent writers win, and of many that create", async () => {
    const race = (key: string, expectedVersion: number | null) =>
      Promise.all(
        Array.from({ length: 12 }, (_, writer) =>
          compareAndSetAgentState(database.db, key, { expectedVersion, value: { writer } }),
        ),
      );
    for (const outcomes of [await race("test:new", null), await race("test:new", 1)]) {
      expect(outcomes.filter(({ outcome }) => outcome === "written")).toHaveLength(1);
    }
    expect((await readAgentState(database.db, "test:new"))?.version).toBe(2);
  });

  it("changes together with the transaction it is part of, or not at all", async () => {
    const aborted = database.db.transaction(async (tx) => {
      await compareAndSetAgentState(tx, "test:tx", { expectedVersion: null, value: 1 });
      tx.rollback();
    });
    await expect(aborted).rejects.toThrow("Rollback");
    expect(await readAgentState(database.db, "test:tx")).toBeNull();
  });

  it("cannot be deleted by the runtime role: absence must stay damage", async () => {
    expect((await refusalOf(database.sql`delete from agent_state`))?.code).toBe("42501");
    expect((await refusalOf(database.sql`update schema_info set schema_version = 9`))?.code).toBe(
      "42501",
    );
  });
});
