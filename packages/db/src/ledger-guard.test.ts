import { asc, eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "./connection.ts";
import type { SqlClient } from "./connection.ts";
import { actionAuditLog, selfExtensionEvents } from "./schema/index.ts";
import { anAuditEvent, anEvent, createTestDatabase, refusalOf } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

let database: TestDatabase;
let owner: SqlClient;
let superuser: SqlClient;
let superuserAsReplica: SqlClient;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = as(database.migratorUrl, "jarvis_owner");
  superuser = as(database.adminUrl, undefined);
  superuserAsReplica = as(database.adminUrl, undefined);
  await superuserAsReplica`set session_replication_role = replica`;
  await database.db.insert(selfExtensionEvents).values(anEvent({ runId: "recorded" }));
  await database.db.insert(actionAuditLog).values(anAuditEvent({ proposalId: 1 }));
});

afterAll(async () => {
  await Promise.all([owner.end(), superuser.end(), superuserAsReplica.end()]);
  await database.close();
});

const ledgers = [
  { ledger: "self_extension_events", column: "stage", by: "run_id = 'recorded'" },
  { ledger: "action_audit_log", column: "event_type", by: "proposal_id = 1" },
];

describe.each(ledgers)("a recorded row of $ledger", ({ ledger, column, by }) => {
  const changes = {
    UPDATE: `update ${ledger} set ${column} = 'failed'`,
    DELETE: `delete from ${ledger}`,
    TRUNCATE: `truncate ${ledger}`,
  };

  it.each(Object.entries(changes))("refuses %s by the runtime role", async (_, statement) => {
    const refusal = await refusalOf(database.sql.unsafe(statement));
    expect(refusal?.code).toBe("42501");
  });

  it.each(Object.entries(changes))("refuses %s by the owner of the table", async (_, statement) => {
    const refusal = await refusalOf(owner.unsafe(statement));
    expect(refusal).toMatchObject({ code: "JG001" });
    expect(refusal?.message).toContain("append-only; record a new row instead");
  });

  it.each(Object.entries(changes))("refuses %s by a superuser", async (_, statement) => {
    expect(await refusalOf(superuser.unsafe(statement))).toMatchObject({ code: "JG001" });
  });

  it.each(Object.entries(changes))(
    "refuses %s by a superuser for whom ordinary triggers are off",
    async (_, statement) => {
      expect(await refusalOf(superuserAsReplica.unsafe(statement))).toMatchObject({
        code: "JG001",
      });
    },
  );

  it("was not touched by any of it", async () => {
    const rows = await superuser.unsafe(`select ${column} as kept from ${ledger} where ${by}`);
    expect(rows.map((row) => row["kept"])).toEqual([column === "stage" ? "proposal" : "proposed"]);
  });
});

describe("a recorded event", () => {
  it("refuses to be changed by an insert that conflicts", async () => {
    const statement = `insert into self_extension_events
      (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
      select run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload
      from self_extension_events where run_id = 'recorded'
      on conflict (run_id, idempotency_key) do update set stage = 'forged'`;
    expect(await refusalOf(owner.unsafe(statement))).toMatchObject({ code: "JG001" });
  });

  it("was not touched by any of it", async () => {
    const rows = await eventsOf("recorded");
    expect(rows.map(({ stage, seq }) => ({ stage, seq }))).toEqual([{ stage: "proposal", seq: 1 }]);
  });
});

describe("what the database sets", () => {
  it("does not let a forged id, sequence, time or user stick", async () => {
    const before = Date.now();
    await database.db.insert(selfExtensionEvents).values({
      ...anEvent({ runId: "forged" }),
      id: 999_999_999,
      seq: 4711,
      createdAt: new Date("2001-01-01T00:00:00Z"),
      dbUser: "postgres",
    });
    const [row] = await eventsOf("forged");
    expect(row).toMatchObject({ seq: 1, dbUser: "jarvis_runtime" });
    expect(row?.id).toBeLessThan(999_999_999);
    expect(row?.createdAt.getTime()).toBeGreaterThanOrEqual(before - 1000);
  });

  it("does not let the owner forge them either, with ordinary triggers off", async () => {
    await superuserAsReplica`insert into self_extension_events
      (id, seq, created_at, db_user, run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
      values (7, 7, '2001-01-01', 'nobody', 'forged-by-superuser', 'c', 'failed', 's', 'a', 'a', 'k', '{}')`;
    const [row] = await eventsOf("forged-by-superuser");
    expect(row).toMatchObject({ seq: 1, dbUser: "postgres" });
    expect(row?.createdAt.getFullYear()).toBeGreaterThan(2001);
  });

  it("is set by the database's own functions, whatever the search path has by their names", async () => {
    await superuser.unsafe(`create schema decoy;
      create function decoy.nextval(regclass) returns bigint language sql as 'select 999999999::bigint';
      create function decoy.clock_timestamp() returns timestamptz language sql as $$select timestamptz '2001-01-01'$$;
      create function decoy.pg_advisory_xact_lock(bigint) returns text language plpgsql as $$begin raise 'decoy'; end$$;
      create function decoy.hashtextextended(text, bigint) returns bigint language plpgsql as $$begin raise 'decoy'; end$$;
      create function decoy.never(text, text) returns boolean language sql as 'select false';
      create operator decoy.= (function = decoy.never, leftarg = text, rightarg = text);
      create function decoy.zero(integer, integer) returns integer language sql as 'select 0';
      create operator decoy.+ (function = decoy.zero, leftarg = integer, rightarg = integer);
      create domain decoy.regclass as text check (false);
      create domain decoy.int8 as text check (false);
      create domain decoy.text as varchar check (false);
      grant usage on schema decoy to public`);
    const client = as(database.runtimeUrl, undefined);
    await client`set search_path = decoy, pg_catalog, public`;
    // The decoys are what this session means by these names.
    expect(await client`select nextval('pg_class')::float8 as id, 1 + 1 as sum`).toMatchObject([
      { id: 999_999_999, sum: 0 },
    ]);
    for (const key of ["one", "two"]) {
      await client`insert into self_extension_events
        (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
        values ('decoyed', 'c', 'failed', 's', 'a', 'a', ${key}, '{}')`;
    }
    await client`insert into action_audit_log (proposal_id, event_type, actor, timestamp)
      values (77, 'proposed', 'agent', now())`;
    const audited = await client<{ createdAt: Date; id: string }[]>`
      select id, created_at as "createdAt" from action_audit_log where proposal_id = 77`;
    await client.end();
    expect(audited).toHaveLength(1);
    const rows = await eventsOf("decoyed");
    expect(rows.map(({ seq }) => seq)).toEqual([1, 2]);
    for (const { id, createdAt } of [...rows, ...audited]) {
      expect(Number(id)).toBeLessThan(999_999_999);
      expect(createdAt.getFullYear()).toBeGreaterThan(2001);
    }
  });

  it("names who logged in, not whom the session acts as", async () => {
    await owner`insert into self_extension_events
      (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
      values ('by-owner', 'c', 'failed', 's', 'a', 'a', 'k', '{}')`;
    expect((await eventsOf("by-owner"))[0]?.dbUser).toBe("jarvis_migrator");
  });

  it("numbers concurrent events of one run without gaps, in the order of their ids", async () => {
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => as(database.runtimeUrl, undefined)),
    );
    await Promise.all(
      clients.map(async (client, writer) => {
        for (let index = 0; index < 15; index += 1) {
          await client`insert into self_extension_events
            (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
            values ('busy', 'c', 'tested', 's', 'a', 'a', ${`${writer}-${index}`}, '{}')`;
        }
      }),
    );
    await Promise.all(clients.map((client) => client.end()));
    const rows = await eventsOf("busy");
    expect(rows.map((row) => row.seq)).toEqual(Array.from({ length: 120 }, (_, n) => n + 1));
    const ids = rows.map((row) => row.id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it("numbers several rows of one statement and leaves no gap after a rollback", async () => {
    const values = ["a", "b"].map((idempotencyKey) => anEvent({ runId: "batch", idempotencyKey }));
    await database.db.insert(selfExtensionEvents).values(values);
    const aborted = database.db.transaction(async (tx) => {
      await tx.insert(selfExtensionEvents).values(anEvent({ runId: "batch" }));
      tx.rollback();
    });
    await expect(aborted).rejects.toThrow("Rollback");
    await database.db
      .insert(selfExtensionEvents)
      .values(anEvent({ runId: "batch", idempotencyKey: "a" }))
      .onConflictDoNothing();
    await database.db.insert(selfExtensionEvents).values(anEvent({ runId: "batch" }));
    expect((await eventsOf("batch")).map((row) => row.seq)).toEqual([1, 2, 3]);
  });
});

describe("what the ledger does not take", () => {
  it("refuses the same step of a run twice", async () => {
    const event = anEvent({ runId: "once", idempotencyKey: "step-1" });
    await database.db.insert(selfExtensionEvents).values(event);
    const refusal = await refusalOf(database.db.insert(selfExtensionEvents).values(event));
    expect(refusal?.code).toBe("23505");
  });

  it("refuses a type outside of the closed set", async () => {
    const event = anEvent({ eventType: "merged" as "promoted" });
    const refusal = await refusalOf(database.db.insert(selfExtensionEvents).values(event));
    expect(refusal?.message).toContain("self_extension_events_event_type");
  });

  it("refuses a payload over its limit and takes one under it", async () => {
    const long = anEvent({ payload: { text: "x".repeat(16_384) } });
    const refusal = await refusalOf(database.db.insert(selfExtensionEvents).values(long));
    expect(refusal?.message).toContain("self_extension_events_payload_size");
    const short = anEvent({ payload: { text: "x".repeat(16_000) } });
    expect(await refusalOf(database.db.insert(selfExtensionEvents).values(short))).toBeNull();
  });

  it("stores a payload as JSON, not as a string of JSON", async () => {
    await database.db
      .insert(selfExtensionEvents)
      .values(anEvent({ runId: "json", payload: { depth: { count: 1 } } }));
    const [row] = await database.db
      .select({ kind: sql<string>`jsonb_typeof(payload)` })
      .from(selfExtensionEvents)
      .where(eq(selfExtensionEvents.runId, "json"));
    expect(row?.kind).toBe("object");
  });
});

function as(url: string, role: string | undefined): SqlClient {
  return connect(url, { max: 1, role, applicationName: "test" });
}

function eventsOf(runId: string) {
  return database.db
    .select()
    .from(selfExtensionEvents)
    .where(eq(selfExtensionEvents.runId, runId))
    .orderBy(asc(selfExtensionEvents.seq));
}
