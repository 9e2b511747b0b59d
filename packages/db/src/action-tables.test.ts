import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { actionAuditLog, actionProposals, actionStates } from "./schema/index.ts";
import type { ActionState } from "./schema/index.ts";
import { anAuditEvent, createTestDatabase, refusalOf } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.close());

describe("action_audit_log", () => {
  it("has exactly the columns and indexes that readers of it expect", async () => {
    const columns = await database.sql`
      select column_name as name from information_schema.columns
      where table_name = 'action_audit_log' order by ordinal_position`;
    expect(columns.map(({ name }) => String(name))).toEqual([
      "id",
      "proposal_id",
      "event_type",
      "event_data",
      "actor",
      "timestamp",
      "created_at",
    ]);
    const indexes = await database.sql`
      select indexname as name from pg_indexes where tablename = 'action_audit_log' order by 1`;
    expect(indexes.map(({ name }) => String(name))).toEqual([
      "action_audit_log_pkey",
      "idx_audit_proposal",
      "idx_audit_timestamp",
      "idx_audit_type",
    ]);
  });

  it("does not let a forged id or time of recording stick", async () => {
    const before = Date.now();
    const [row] = await database.db
      .insert(actionAuditLog)
      .values({ ...anAuditEvent(), id: 999_999, createdAt: new Date("2001-01-01T00:00:00Z") })
      .returning();
    expect(row?.id).toBeLessThan(999_999);
    expect(row?.createdAt.getTime()).toBeGreaterThanOrEqual(before - 1000);
    expect(row?.timestamp.toISOString()).toBe("2026-01-01T00:00:00.000Z");
  });

  it.each([
    ["an unknown type", { eventType: "started" as "executing" }, "event_type"],
    ["an unknown actor", { actor: "ada" as "user" }, "actor"],
    ["an action event of no proposal", { proposalId: null }, "proposal"],
    ["a kill switch of one proposal", { eventType: "kill_switch" as const }, "proposal"],
    ["more data than a row may hold", { eventData: { text: "x".repeat(16_384) } }, "size"],
  ])("refuses %s", async (_, overrides, constraint) => {
    const insert = database.db.insert(actionAuditLog).values(anAuditEvent(overrides));
    const refusal = await refusalOf(insert);
    expect(refusal?.code).toBe("23514");
    expect(refusal?.message).toContain(`action_audit_log_`);
    expect(refusal?.message).toContain(constraint);
  });

  it("takes an event of the whole system", async () => {
    const event = anAuditEvent({ proposalId: null, eventType: "kill_switch", eventData: null });
    expect(await refusalOf(database.db.insert(actionAuditLog).values(event))).toBeNull();
  });
});

describe("action_proposals", () => {
  const allowed = [
    "proposed validated",
    "proposed rejected",
    "proposed cancelled",
    "proposed expired",
    "validated approved",
    "validated executing",
    "validated rejected",
    "validated cancelled",
    "validated expired",
    "approved executing",
    "approved rejected",
    "approved cancelled",
    "approved expired",
    "executing completed",
    "executing failed",
    "executing cancelled",
  ];
  const pairs = actionStates.flatMap((from) =>
    actionStates.filter((to) => to !== from).map((to) => ({ from, to })),
  );

  it.each(pairs)("$from -> $to is taken or refused as the table says", async ({ from, to }) => {
    const id = await inState(from);
    const refusal = await refusalOf(moveTo(id, to));
    expect(refusal?.code ?? "taken").toBe(allowed.includes(`${from} ${to}`) ? "taken" : "JA001");
  });

  it("begins as proposed and nowhere else", async () => {
    const insert = database.db
      .insert(actionProposals)
      .values({ ...aProposal(), state: "approved" });
    expect((await refusalOf(insert))?.code).toBe("JA001");
  });

  it("refuses a change of state that keeps the version", async () => {
    const id = await inState("proposed");
    const kept = database.sql`update action_proposals set state = 'validated' where id = ${id}`;
    expect((await refusalOf(kept))?.message).toContain("keeps version 1");
  });

  it("does not execute what needs an approval and has none", async () => {
    const id = await inState("validated");
    const started = database.sql`update action_proposals
      set state = 'executing', version = version + 1, needs_approval = false where id = ${id}`;
    await database.sql`update action_proposals set needs_approval = true where id = ${id}`;
    expect((await refusalOf(started))?.message).toContain("needs an approval");
  });

  it("does not take an approval of something else", async () => {
    const id = await inState("validated");
    const approved = database.sql`update action_proposals
      set state = 'approved', version = version + 1, approved_digest = 'other' where id = ${id}`;
    expect((await refusalOf(approved))?.message).toContain("is not what was approved");
  });

  it.each([
    ["what it asks for", { parameters: { path: "b" } }],
    ["the action", { actionName: "other" }],
    ["who asked", { requestedBy: "somebody else" }],
  ])("does not let anybody change %s afterwards", async (_, change) => {
    const id = await inState("validated");
    const changed = database.db
      .update(actionProposals)
      .set(change)
      .where(eq(actionProposals.id, id));
    expect((await refusalOf(changed))?.message).toContain("propose again");
  });

  it("lets the parameters of what has ended be emptied", async () => {
    const id = await inState("completed");
    const emptied = database.sql`update action_proposals set parameters = '{}' where id = ${id}`;
    expect(await refusalOf(emptied)).toBeNull();
  });

  it("cannot be deleted by the runtime role", async () => {
    expect((await refusalOf(database.sql`delete from action_proposals`))?.code).toBe("42501");
  });
});

const ways: Record<ActionState, readonly ActionState[]> = {
  proposed: [],
  validated: ["validated"],
  approved: ["validated", "approved"],
  executing: ["validated", "executing"],
  completed: ["validated", "executing", "completed"],
  failed: ["validated", "executing", "failed"],
  cancelled: ["cancelled"],
  rejected: ["rejected"],
  expired: ["expired"],
};

async function inState(state: ActionState): Promise<number> {
  const [row] = await database.db.insert(actionProposals).values(aProposal()).returning();
  if (row === undefined) throw new Error("no proposal was inserted");
  for (const step of ways[state]) await moveTo(row.id, step);
  return row.id;
}

async function moveTo(id: number, state: ActionState): Promise<void> {
  await database.sql`update action_proposals
    set state = ${state}, version = version + 1, approved_digest = parameters_digest
    where id = ${id}`;
}

function aProposal(): typeof actionProposals.$inferInsert {
  return {
    actionName: "write-file",
    parameters: { path: "a" },
    parametersDigest: "sha256:1",
    reason: "a test",
    effect: "write-workspace",
    risk: "low",
    needsApproval: false,
    requesterKind: "agent",
    requestedBy: "jarvis",
    sessionId: "session-1",
  };
}
