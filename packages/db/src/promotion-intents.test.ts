import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, refusalOf } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.close());

beforeEach(async () => {
  await setSwitch({ paused: false, reason: "", updatedBy: "test", updatedAt: "" });
  await database.sql`
    update promotion_intents set outcome = 'did-not-happen', known_by = 'test' where outcome is null`;
});

describe("an intent is let in and let through", () => {
  it("while promotion is open", async () => {
    const id = await recorded();
    expect(await refusalOf(letThrough(id))).toBeNull();
    const [row] =
      await database.sql`select phase, landing_at from promotion_intents where id = ${id}`;
    expect(row).toMatchObject({ phase: "landing", landing_at: expect.any(String) });
  });

  it.each([
    ["paused", { paused: true, reason: "", updatedBy: "", updatedAt: "" }],
    ["a word for the truth", { paused: "false", reason: "", updatedBy: "", updatedAt: "" }],
    ["malformed", { paused: false, updatedBy: "", updatedAt: "" }],
    ["nothing", null],
  ])("not while the switch is %s, unless it is a revert's", async (_, value) => {
    const open = await recorded();
    await setSwitch(value);
    expect(await refusalOf(letThrough(open))).toMatchObject({ code: "JP001" });
    await resolve(open);
    expect(await refusalOf(insert())).toMatchObject({ code: "JP001" });
    const revert = await recorded({ isRevert: true });
    expect(await refusalOf(letThrough(revert))).toBeNull();
  });

  it("never between: a pause that is being written is waited for, and then refuses", async () => {
    const id = await recorded();
    const admin = database.openAdmin();
    let refused: Promise<unknown> = Promise.resolve();
    await admin.begin(async (tx) => {
      await tx`update agent_state set value = '{"paused": true}' where key = 'self_extension:promotion_control'`;
      let ended = false;
      refused = refusalOf(letThrough(id)).finally(() => (ended = true));
      await tx`select pg_sleep(0.2)`;
      expect(ended).toBe(false);
    });
    await admin.end();
    expect(await refused).toMatchObject({ code: "JP001" });
  });
});

describe("the database refuses", () => {
  it("a second open intent, but a revert's beside a change's", async () => {
    await recorded();
    expect(await refusalOf(insert())).toMatchObject({ code: "23505" });
    await recorded({ isRevert: true });
    expect(await refusalOf(insert({ isRevert: true }))).toMatchObject({ code: "23505" });
  });

  it("a change of what was resolved, but for the time its fence was closed", async () => {
    const id = await recorded();
    await resolve(id);
    for (const change of [
      sql`outcome = 'landed', merge_sha = repeat('c', 40)`,
      sql`known_by = 'other'`,
      sql`phase = 'landing', landing_at = now()`,
      sql`holder = '{}'`,
    ]) {
      expect(await refusalOf(update(id, change))).toMatchObject({ code: "JP002" });
    }
    expect(await refusalOf(update(id, sql`fence_closed_at = now()`))).toBeNull();
    expect(await refusalOf(update(id, sql`fence_closed_at = null`))).toMatchObject({
      code: "JP002",
    });
  });

  it("to take back that an intent was let through", async () => {
    const id = await recorded();
    await letThrough(id);
    const back = update(id, sql`phase = 'recorded', landing_at = null`);
    expect(await refusalOf(back)).toMatchObject({ code: "JP002" });
  });

  it.each([
    ["to change what is announced", sql`update promotion_intents set head_sha = base_sha`],
    ["to set the time of a resolution", sql`update promotion_intents set resolved_at = now()`],
    ["to remove a row", sql`delete from promotion_intents`],
    ["to empty the table", sql`truncate promotion_intents`],
  ])("the running Jarvis %s", async (_, statement) => {
    expect(await refusalOf(database.db.execute(statement))).toMatchObject({ code: "42501" });
  });

  it.each([
    ["a landing without a commit", sql`outcome = 'landed', known_by = 'test'`],
    [
      "a commit without a landing",
      sql`outcome = 'did-not-happen', known_by = 'test', merge_sha = head_sha`,
    ],
    ["an outcome that nothing is known by", sql`outcome = 'did-not-happen'`],
    ["another outcome", sql`outcome = 'expired', known_by = 'test'`],
  ])("%s", async (_, change) => {
    expect(await refusalOf(update(await recorded(), change))).toMatchObject({ code: "23514" });
  });
});

function insert({ isRevert = false }: { isRevert?: boolean } = {}) {
  return database.db.execute<{ id: string }>(sql`
    insert into promotion_intents (run_id, attempt, head_sha, base_sha, is_revert, holder)
    values ('run', 1, repeat('a', 40), repeat('b', 40), ${isRevert}, '{"pid": 1}') returning id`);
}

async function recorded(options: { isRevert?: boolean } = {}): Promise<number> {
  const [row] = await insert(options);
  return Number(row?.id);
}

function update(id: number, change: ReturnType<typeof sql>) {
  return database.db.execute(sql`update promotion_intents set ${change} where id = ${id}`);
}

function letThrough(id: number) {
  return update(id, sql`phase = 'landing', landing_at = now()`);
}

async function resolve(id: number): Promise<void> {
  await update(id, sql`outcome = 'did-not-happen', known_by = 'test'`);
}

async function setSwitch(value: Record<string, unknown> | null): Promise<void> {
  await database.sql`
    update agent_state set value = ${JSON.stringify(value)}::jsonb
    where key = 'self_extension:promotion_control'`;
}
