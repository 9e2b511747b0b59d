import { compareAndSetAgentState, readAgentState } from "@jarvis/db";
import type { JarvisDatabase } from "@jarvis/db";
import { createTestDatabase } from "@jarvis/db/testing";
import type { TestDatabase } from "@jarvis/db/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ObserveOnlyError } from "./errors.ts";
import { killSwitch } from "./kill-switch.ts";
import { readSafetyState, setSafetyMode } from "./safety-state.ts";
import type { ModeChange } from "./safety-state.ts";

let database: TestDatabase;
let db: JarvisDatabase;
const operator = { reason: "supervised run", actor: "ada" };

beforeEach(async () => {
  database = await createTestDatabase();
  db = database.db;
});

afterEach(() => database.close());

describe("reading the safety state", () => {
  it("is observe in a new database", async () => {
    expect(await readSafetyState(db)).toMatchObject({ mode: "observe", trusted: true });
  });

  it("takes a malformed value for observe, whatever else it says", async () => {
    for (const value of [{ mode: "execute" }, { mode: "EXECUTE" }, "execute", [], 1]) {
      const row = await readAgentState(db, "system:safety");
      const expectedVersion = row?.version ?? null;
      await compareAndSetAgentState(db, "system:safety", { expectedVersion, value });
      expect(await readSafetyState(db)).toEqual({
        mode: "observe",
        trusted: false,
        problem: "malformed-value",
      });
    }
  });

  it("takes a missing row for observe", async () => {
    await setSafetyMode(db, { ...operator, mode: "execute" });
    await removeRow();
    expect(await readSafetyState(db)).toEqual({
      mode: "observe",
      trusted: false,
      problem: "missing-row",
    });
  });

  it("takes an unreachable database for observe, and one that does not answer", async () => {
    await setSafetyMode(db, { ...operator, mode: "execute" });
    const unreachable = { mode: "observe", trusted: false, problem: "database-unreachable" };
    const blocker = await lockTable();
    expect(await readSafetyState(db, { limitMs: 200 })).toEqual(unreachable);
    await blocker.release();
    expect((await readSafetyState(db)).mode).toBe("execute");
    await database.sql.end();
    expect(await readSafetyState(db)).toEqual(unreachable);
  });
});

describe("setting the mode", () => {
  it("enables execution, says who and why, and survives another connection", async () => {
    const outcome = await setSafetyMode(db, { ...operator, mode: "execute" });
    expect(outcome).toMatchObject({
      outcome: "changed",
      change: { before: { mode: "observe" }, after: { mode: "execute" }, killSwitch: false },
    });
    expect(await readSafetyState(db)).toMatchObject({
      mode: "execute",
      trusted: true,
      reason: "supervised run",
      updatedBy: "ada",
    });
  });

  it("says in its refusal how to enable execution", () => {
    expect(new ObserveOnlyError().message).toBe(
      'Action execution blocked: observe-only mode is active. Enable it with: jarvis mode execute --reason "..."',
    );
    expect(new ObserveOnlyError().code).toBe("observe-only");
  });

  it("needs a reason and keeps no secret of it", async () => {
    const empty = setSafetyMode(db, { mode: "execute", reason: "  ", actor: "ada" });
    await expect(empty).rejects.toMatchObject({ code: "reason-required" });
    const token = ["gh", "p_", "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY5zA7"].join("");
    await setSafetyMode(db, { mode: "execute", reason: `with ${token}`, actor: "ada" });
    const { value } = (await readAgentState(db, "system:safety")) ?? {};
    expect(value).toMatchObject({ reason: "with [redacted:github-token]" });
  });

  it("is set whatever the reason is, which is cut and mended", async () => {
    const reason = `\0${"why ".repeat(10_000)}`;
    await killSwitch(db, { reason, actor: "ada" });
    const { value } = (await readAgentState(db, "system:safety")) ?? {};
    expect(value).toMatchObject({
      mode: "observe",
      reason: expect.stringMatching(/^\u{fffd}why .*…$/u),
    });
    expect((value as { reason: string }).reason).toHaveLength(2_000);
  });

  it("changes nothing when the change cannot be recorded", async () => {
    const change = setSafetyMode(
      db,
      { ...operator, mode: "execute" },
      { record: () => Promise.reject(new Error("the audit log refused")) },
    );
    await expect(change).rejects.toThrow("the audit log refused");
    expect((await readSafetyState(db)).mode).toBe("observe");
  });

  it("records the change in its own transaction", async () => {
    const changes: ModeChange[] = [];
    await setSafetyMode(
      db,
      { ...operator, mode: "execute" },
      {
        clock: () => new Date("2026-01-01T00:00:00Z"),
        async record(tx, change) {
          changes.push(change);
          const inside = await readAgentState(tx, "system:safety");
          expect(inside?.value).toEqual(change.after);
        },
      },
    );
    expect(changes).toMatchObject([{ after: { updatedAt: "2026-01-01T00:00:00.000Z" } }]);
  });

  it("answers a lost race with what is there now", async () => {
    let raced = false;
    const outcome = await setSafetyMode(
      onFirstRead(db, async () => {
        raced = true;
        await setSafetyMode(db, { mode: "observe", reason: "came between", actor: "bob" });
      }),
      { ...operator, mode: "execute" },
    );
    expect(raced).toBe(true);
    expect(outcome).toMatchObject({
      outcome: "conflict",
      current: { mode: "observe", reason: "came between" },
    });
  });

  it("mends a missing row", async () => {
    await removeRow();
    const outcome = await setSafetyMode(db, { ...operator, mode: "observe" });
    expect(outcome).toMatchObject({ outcome: "changed", change: { before: null } });
  });
});

describe("the kill switch", () => {
  it("sets observe before anything is cancelled and counts what was", async () => {
    await setSafetyMode(db, { ...operator, mode: "execute" });
    const modes: string[] = [];
    const hook = (count: number) => async () => {
      modes.push((await readSafetyState(db)).mode);
      return count;
    };
    const changes: ModeChange[] = [];
    const answer = await killSwitch(db, operator, {
      onKill: [hook(2), hook(3)],
      record: async (_, change) => void changes.push(change),
    });
    expect(answer).toEqual({ cancelledCount: 5, stopped: [] });
    expect(modes).toEqual(["observe", "observe"]);
    expect(changes).toMatchObject([{ killSwitch: true, before: { mode: "execute" } }]);
  });

  it("cancels nothing where nothing runs, and may be pressed twice", async () => {
    expect(await killSwitch(db, operator)).toEqual({ cancelledCount: 0, stopped: [] });
    expect(await killSwitch(db, operator)).toEqual({ cancelledCount: 0, stopped: [] });
  });

  it("wins against others who set the mode at the same time", async () => {
    await Promise.all([
      killSwitch(db, operator),
      ...Array.from({ length: 5 }, (_, index) =>
        setSafetyMode(db, { mode: "observe", reason: `writer ${index}`, actor: "bob" }),
      ),
    ]);
    expect((await readSafetyState(db)).mode).toBe("observe");
  });

  it("runs every hook though one of them fails, and says so", async () => {
    let ran = false;
    const kill = killSwitch(db, operator, {
      onKill: [
        () => Promise.reject(new Error("no such process")),
        async () => {
          ran = true;
          return 4;
        },
      ],
    });
    await expect(kill).rejects.toMatchObject({
      code: "kill-switch-incomplete",
      message: expect.stringContaining("cancelled 4"),
    });
    expect(ran).toBe(true);
    expect((await readSafetyState(db)).mode).toBe("observe");
  });

  it("runs its hooks though the database is gone", async () => {
    let ran = false;
    await database.sql.end();
    const kill = killSwitch(db, operator, {
      onKill: [
        async () => {
          ran = true;
          return 1;
        },
      ],
    });
    await expect(kill).rejects.toMatchObject({
      code: "kill-switch-incomplete",
      message: expect.not.stringContaining("query"),
    });
    expect(ran).toBe(true);
  });
});

// The same database, with something happening between the read and the write of a transaction.
function onFirstRead(inner: JarvisDatabase, between: () => Promise<void>): JarvisDatabase {
  return new Proxy(inner, {
    get(target, property) {
      if (property !== "transaction") return Reflect.get(target, property) as unknown;
      return (work: (tx: JarvisDatabase) => Promise<unknown>) =>
        target.transaction((tx) => work(interleave(tx, between)));
    },
  });
}

function interleave(tx: JarvisDatabase, between: () => Promise<void>): JarvisDatabase {
  return new Proxy(tx, {
    get(target, property) {
      if (property !== "update") return Reflect.get(target, property) as unknown;
      return (table: Parameters<JarvisDatabase["update"]>[0]) => ({
        set: (values: Record<string, unknown>) => ({
          where: (condition: never) => ({
            returning: async () => {
              await between();
              return await target.update(table).set(values).where(condition).returning();
            },
          }),
        }),
      });
    },
  });
}

async function removeRow(): Promise<void> {
  const admin = database.openAdmin();
  await admin.unsafe(`delete from agent_state where key = 'system:safety'`);
  await admin.end();
}

async function lockTable(): Promise<{ release: () => Promise<void> }> {
  const admin = database.openAdmin();
  await admin.unsafe(`begin; lock table agent_state in access exclusive mode`).simple();
  return { release: () => admin.end() };
}
