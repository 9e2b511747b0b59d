import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "./connection.ts";
import type { SqlClient } from "./connection.ts";
import { readLedgerGuard } from "./guard-status.ts";
import { actionAuditLog, selfExtensionEvents } from "./schema/index.ts";
import { anAuditEvent, anEvent, createTestDatabase, refusalOf } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

const ledger = "public.self_extension_events";

const ledgers = [
  {
    ledger,
    column: "stage",
    constraint: "self_extension_events_run_seq",
    numbering: "number_self_extension_event",
    ids: "self_extension_events_id",
    index: "self_extension_events_type_id",
  },
  {
    ledger: "public.action_audit_log",
    column: "actor",
    constraint: "action_audit_log_event_type",
    numbering: "number_action_audit_event",
    ids: "action_audit_log_id",
    index: "idx_audit_proposal",
  },
];

// Every way that was found to take an append-only table apart without touching a row by UPDATE,
// DELETE or TRUNCATE.
function attacksOn(target: (typeof ledgers)[number]): Record<string, string> {
  const { ledger: table, column, constraint, numbering, ids, index } = target;
  return {
    "disable the triggers": `alter table ${table} disable trigger all`,
    "disable one trigger": `alter table ${table} disable trigger jarvis_guard_rows`,
    "weaken a trigger": `alter table ${table} enable trigger jarvis_guard_rows`,
    "rewrite a column": `alter table ${table} alter column ${column} type text using 'forged'`,
    "drop a column": `alter table ${table} drop column ${column}`,
    "add a column": `alter table ${table} add column forged text`,
    "drop the table": `drop table ${table}`,
    "drop a trigger": `drop trigger jarvis_guard_rows on ${table}`,
    "rename a trigger": `alter trigger jarvis_guard_rows on ${table} rename to other`,
    "rename and swap": `alter table ${table} rename to old_events`,
    "rename a column": `alter table ${table} rename column ${column} to other`,
    "rename a constraint": `alter table ${table} rename constraint ${constraint} to other`,
    "move it to another schema": `create schema aside; alter table ${table} set schema aside`,
    "drop new events by a rule": `create rule drop_new as on insert to ${table} do instead nothing`,
    "drop new events by a trigger": `create function pg_temp.nothing() returns trigger language plpgsql as 'begin return null; end';
      create trigger drop_new before insert on ${table} for each row execute function pg_temp.nothing()`,
    "hide rows by a policy": `create policy hide on ${table} for select using (false)`,
    "hide rows by row level security": `alter table ${table} enable row level security`,
    "add rows by a child table": `create table child () inherits (${table})`,
    "attach it to a table with triggers of its own": `create table above (like ${table}) partition by list (${column});
      alter table above attach partition ${table} default`,
    "slow it down by dropping an index": `drop index ${index}`,
    "block inserts by a unique index": `create unique index one_only on ${table} (${column})`,
    "alter the numbering function": `alter function jarvis_guard.${numbering}() security invoker`,
    "restart the ids": `alter sequence jarvis_guard.${ids} restart`,
    "drop the ids": `drop sequence jarvis_guard.${ids}`,
  };
}

const attacksOnTheGuard: Record<string, string> = {
  "replace the refusing function": `create or replace function jarvis_guard.refuse_change() returns trigger language plpgsql as 'begin return new; end'`,
  "move the refusing function": `create schema aside; alter function jarvis_guard.refuse_change() set schema aside`,
  "drop the refusing function": `drop function jarvis_guard.refuse_change() cascade`,
  "drop the schema of the guard": `drop schema jarvis_guard cascade`,
  "rename the schema of the guard": `alter schema jarvis_guard rename to other`,
  "drop the schema of the ledger": `drop schema public cascade`,
  "rename the schema of the ledger": `alter schema public rename to other`,
  "drop everything the owner has": `drop owned by jarvis_owner cascade`,
};

const attacks: readonly [what: string, statement: string][] = [
  ...ledgers.flatMap((target) =>
    Object.entries(attacksOn(target)).map(([what, statement]): [string, string] => [
      `${what} of ${target.ledger}`,
      statement,
    ]),
  ),
  ...Object.entries(attacksOnTheGuard),
];

const forgetfulness: Record<string, string> = {
  "forget a guarded table": "delete from jarvis_guard.guarded_tables",
  "rename a guarded table in the list":
    "update jarvis_guard.guarded_tables set relid = 'agent_state'",
  "forget an alteration": "truncate jarvis_guard.ledger_alterations",
};

let database: TestDatabase;
let sessions: Record<"owner" | "guard" | "superuser" | "superuserAsReplica", SqlClient>;

beforeAll(async () => {
  database = await createTestDatabase();
  sessions = {
    owner: as(database.migratorUrl, "jarvis_owner"),
    guard: as(database.migratorUrl, "jarvis_guard"),
    superuser: as(database.adminUrl, undefined),
    superuserAsReplica: as(database.adminUrl, undefined),
  };
  await sessions.superuserAsReplica`set session_replication_role = replica`;
  await database.db.insert(selfExtensionEvents).values(anEvent());
  await database.db.insert(actionAuditLog).values(anAuditEvent());
});

afterAll(async () => {
  await Promise.all(Object.values(sessions).map((session) => session.end()));
  await database.close();
});

describe("the ledgers on the embedded server", () => {
  it.each(attacks)("refuses everybody to %s", async (_, statement) => {
    const refused: Record<string, string | undefined> = {};
    for (const [who, session] of Object.entries(sessions)) {
      const refusal = await refusalOf(session.begin((tx) => tx.unsafe(statement).simple()));
      refused[who] = refusal?.code;
    }
    // A superuser may do anything but this, so it is the guard that refused. The others may have
    // been refused for want of a privilege before the guard had to.
    const guardOrPrivilege = expect.stringMatching(/^(JG002|42501)$/);
    expect(refused).toEqual({
      owner: guardOrPrivilege,
      guard: guardOrPrivilege,
      superuser: "JG002",
      superuserAsReplica: "JG002",
    });
  });

  it("is what refuses the owner, where the owner would be allowed", async () => {
    const refusal = await refusalOf(
      sessions.owner.unsafe(`alter table ${ledger} disable trigger jarvis_guard_rows`),
    );
    expect(refusal?.code).toBe("JG002");
    expect(refusal?.message).toContain("begin_ledger_change()");
  });

  it.each(Object.entries(forgetfulness))("refuses everybody to %s", async (_, statement) => {
    for (const session of Object.values(sessions)) {
      expect(["JG001", "42501"]).toContain((await refusalOf(session.unsafe(statement)))?.code);
    }
  });

  it("still have their rows and their guard after all of that", async () => {
    expect(await database.db.select().from(selfExtensionEvents)).toHaveLength(1);
    expect(await database.db.select().from(actionAuditLog)).toHaveLength(1);
    expect(await readLedgerGuard(database.sql)).toEqual({
      ledgerGuard: "enforced",
      ledgerGuardSql: null,
    });
  });

  it.each([
    `create unique index concurrently one_only on ${ledger} (stage)`,
    `drop index /* not */ CONCURRENTLY self_extension_events_actor_id`,
  ])("refuses whoever may do it: %s", async (statement) => {
    const indexes = async (): Promise<unknown[]> => [
      ...(await sessions.superuser`
        select indexrelid::regclass::text, indisvalid, indisready from pg_index
        where indrelid = ${ledger}::regclass order by 1`),
    ];
    const before = await indexes();
    for (const session of [sessions.owner, sessions.superuser]) {
      expect((await refusalOf(session.unsafe(statement)))?.code).toBe("JG002");
    }
    expect(await indexes()).toEqual(before);
    // The workflow engine builds its own this way.
    const engine = as(database.migratorUrl, "jarvis_migrator");
    await engine.unsafe("create schema engine");
    await engine.unsafe("create table engine.work (id int)");
    expect(
      await refusalOf(engine.unsafe("create index concurrently on engine.work (id)")),
    ).toBeNull();
    await engine.unsafe("drop schema engine cascade");
    await engine.end();
  });

  it("lets the owner change what is not under the guard", async () => {
    const statements = `create table note (id int primary key, text text);
      alter table note add column more text; alter table note alter column id type bigint;
      create index on note (text); drop table note;
      alter table agent_state add column remark text; alter table agent_state drop column remark`;
    expect(await refusalOf(sessions.owner.unsafe(statements).simple())).toBeNull();
  });

  it("puts another table under the guard by one call", async () => {
    await sessions.owner
      .unsafe(
        `create table other_ledger (id int); select jarvis_guard.guard_table('other_ledger', null)`,
      )
      .simple();
    await sessions.owner`insert into other_ledger values (1)`;
    const update = await refusalOf(sessions.owner`update other_ledger set id = 2`);
    const drop = await refusalOf(sessions.owner`drop table other_ledger`);
    expect([update?.code, drop?.code]).toEqual(["JG001", "JG002"]);
  });
});

describe("an alteration of the ledger", () => {
  it("goes through the recorded way, and the guard is back afterwards", async () => {
    await alterLedger(
      "a column for the reviewer's remark",
      `alter table ${ledger} add column remark text`,
    );
    const recorded = await database.sql`
      select relid::text, reason, altered_by from jarvis_guard.ledger_alterations
      where relid is not null order by id desc limit 1`;
    expect([...recorded]).toEqual([
      {
        relid: "self_extension_events",
        reason: "a column for the reviewer's remark",
        altered_by: "jarvis_migrator",
      },
    ]);
    expect((await readLedgerGuard(database.sql)).ledgerGuard).toBe("enforced");
    const again = sessions.owner.unsafe(`alter table ${ledger} drop column remark`);
    expect((await refusalOf(again))?.code).toBe("JG002");
    await database.db.insert(selfExtensionEvents).values(anEvent({ runId: "after" }));
  });

  it("takes everything back when it was begun and not ended", async () => {
    const open = as(database.migratorUrl, "jarvis_guard");
    const refusal = await refusalOf(
      open.begin(async (tx) => {
        await tx`select jarvis_guard.begin_ledger_change(${ledger}, 'left open')`;
        await tx`set local role jarvis_owner`;
        await tx.unsafe(`alter table ${ledger} add column left_open text`);
      }),
    );
    await open.end();
    expect(refusal).toMatchObject({ code: "JG002" });
    expect(refusal?.message).toContain("end_ledger_change()");
    expect((await readLedgerGuard(database.sql)).ledgerGuard).toBe("enforced");
  });

  it("cannot end without the triggers that it took off", async () => {
    const refusal = await refusalOf(
      alterLedger("drops the guard", `drop trigger jarvis_guard_truncate on ${ledger}`),
    );
    expect(refusal?.message).toContain("missing or disabled");
  });

  it("is not open to the runtime role or the owner", async () => {
    for (const session of [database.sql, sessions.owner]) {
      const refusal = await refusalOf(
        session`select jarvis_guard.begin_ledger_change(${ledger}, 'mine')`,
      );
      expect(refusal?.code).toBe("42501");
    }
  });
});

describe("what the status says", () => {
  it("says owner-ddl-unguarded, with the SQL, once an event trigger is off", async () => {
    await sessions.superuser`alter event trigger jarvis_guard_drop disable`;
    const status = await readLedgerGuard(database.sql);
    expect(status.ledgerGuard).toBe("owner-ddl-unguarded");
    await sessions.superuser.unsafe(status.ledgerGuardSql ?? "").simple();
    expect((await readLedgerGuard(database.sql)).ledgerGuard).toBe("enforced");
  });

  it.each(ledgers)(
    "refuses a database in which rows of $ledger are not guarded",
    async (target) => {
      const set = async (how: string) => {
        await sessions.superuser.begin(async (tx) => {
          await tx`alter event trigger jarvis_guard_ddl disable`;
          await tx.unsafe(`alter table ${target.ledger} ${how} trigger jarvis_guard_rows`);
          await tx`alter event trigger jarvis_guard_ddl enable always`;
        });
      };
      await set("disable");
      await expect(readLedgerGuard(database.sql)).rejects.toMatchObject({
        code: "ledger-guard-missing",
        message: expect.stringContaining(`The append-only guard of ${target.ledger.slice(7)} is`),
      });
      await set("enable always");
      expect((await readLedgerGuard(database.sql)).ledgerGuard).toBe("enforced");
    },
  );

  it.each([
    ["in some cases only", "before update or delete", "for each row when (false)"],
    ["when it is too late", "after update or delete", "for each row"],
    ["of one column only", "before update of stage or delete", "for each row"],
  ])("refuses a database whose guard looks %s", async (_, when, how) => {
    const refused = refusalOf(
      sessions.superuser.begin(async (tx) => {
        await tx`alter event trigger jarvis_guard_ddl disable`;
        await tx`alter event trigger jarvis_guard_drop disable`;
        await tx.unsafe(`drop trigger jarvis_guard_rows on ${ledger};
          create trigger jarvis_guard_rows ${when} on ${ledger} ${how} execute function jarvis_guard.refuse_change();
          alter table ${ledger} enable always trigger jarvis_guard_rows`);
        await readLedgerGuard(tx as unknown as SqlClient);
      }),
    );
    expect(await refused).toMatchObject({ code: "ledger-guard-missing" });
    expect((await readLedgerGuard(database.sql)).ledgerGuard).toBe("enforced");
  });
});

function as(url: string, role: string | undefined): SqlClient {
  return connect(url, { max: 1, role, applicationName: "test" });
}

/** The recorded way, as a migration goes it. */
async function alterLedger(reason: string, statement: string): Promise<void> {
  const migrator = as(database.migratorUrl, "jarvis_guard");
  try {
    await migrator.begin(async (tx) => {
      await tx`select jarvis_guard.begin_ledger_change(${ledger}, ${reason})`;
      await tx`set local role jarvis_owner`;
      await tx.unsafe(statement);
      await tx`set local role jarvis_guard`;
      await tx`select jarvis_guard.end_ledger_change()`;
    });
  } finally {
    await migrator.end();
  }
}
