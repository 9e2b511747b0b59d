import { generateKeyPairSync, sign } from "node:crypto";
import { actionAuditLog, selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { anAuditEvent, anEvent, createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import type { SqlClient } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hashLeaf } from "../merkle/hashes.ts";
import type { Anchor } from "../notes/anchor.ts";
import { readTreeHead } from "../notes/checkpoint.ts";
import { leafContent } from "../rows/leaf.ts";
import { encodeVerifier, noteVerifier } from "../notes/signed-note.ts";
import { abandonStatement } from "../seal/abandoned-history.ts";
import { sealBatch } from "../seal/seal-batch.ts";
import { appendRecord } from "../store/records.ts";
import { newestIds } from "../store/sealed-rows.ts";
import { startTestSealer, type TestSealer } from "../testing/index.ts";
import type { Attack } from "./report.ts";
import { verifyLedger } from "./verify-ledger.ts";

/*
 * What whoever gets past the guard of the database can do to the ledger. The attacks that the
 * database itself refuses are in packages/db (ledger-guard.test.ts, ddl-guard.test.ts). Each runs in
 * a transaction that is taken back, as a superuser who knows of the guard and has taken it off.
 */

let database: TestDatabase;
let sealer: TestSealer;
let admin: SqlClient;
let db: JarvisDatabase;
let anchors: Anchor[];

beforeAll(async () => {
  database = await createTestDatabase();
  sealer = await startTestSealer(database.db, { everyMs: 3_600_000 });
  for (let batch = 0; batch < 3; batch += 1) {
    await database.db
      .insert(selfExtensionEvents)
      .values(Array.from({ length: 100 }, (_, n) => anEvent({ runId: `run-${batch}-${n % 10}` })));
    await database.db.insert(actionAuditLog).values([anAuditEvent(), anAuditEvent()]);
    // Kept as its text: no double holds the number.
    await database.sql`
      insert into self_extension_events
        (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
      values (${`exact-${batch}`}, 'c', 'failed', 's', 'a', 'a', 'k', '{"n": 12345678901234567890, "m": 1.0}')`;
    await sealer.sealNow();
  }
  const { size, root } = readTreeHead(sealer.state().checkpoint?.note ?? "");
  anchors = [{ size, root: root.toString("base64"), origin: null, where: "commit abc" }];
  admin = database.openAdmin();
  db = drizzle({ client: admin }) as unknown as JarvisDatabase;
});

afterAll(async () => {
  await admin.end();
  await sealer.stop();
  await database.close();
});

const row = "id = (select event_id from ledger_leaves where leaf_index = 150 and ledger = 1)";
const copyOf = (where: string, id: string): string => `
  insert into self_extension_events
  select (jsonb_populate_record(event, jsonb_build_object('id', ${id}, 'seq', 4711,
    'idempotency_key', 'forged', 'created_at', '2020-01-01T00:00:00Z'))).*
  from self_extension_events event where ${where} limit 1`;

/** What is done, and what the verification calls it. */
const attacks: readonly (readonly [string, string, Attack])[] = [
  [
    "change a payload",
    `update self_extension_events set payload = '{"note": "a lie"}' where ${row}`,
    "event-changed",
  ],
  [
    "change one digit of a number that no double holds",
    `update self_extension_events set payload = '{"n": 12345678901234567890}' where ${row}`,
    "event-changed",
  ],
  [
    "write a number as another text",
    `update ledger_records set data = data || '{"n": 1.0}' where id = 1`,
    "event-changed",
  ],
  ["change an actor", `update action_audit_log set actor = 'user' where id = 2`, "event-changed"],
  [
    "change a type",
    `update self_extension_events set event_type = 'promoted' where ${row}`,
    "event-changed",
  ],
  [
    "back-date an event by a microsecond",
    `update self_extension_events set created_at = created_at - interval '1 microsecond' where ${row}`,
    "event-changed",
  ],
  [
    "give an event to another run",
    `update self_extension_events set run_id = 'run-other', seq = 999 where ${row}`,
    "event-changed",
  ],
  [
    "empty an optional column or fill it",
    `update self_extension_events set tool_name = 'forged' where ${row}`,
    "event-changed",
  ],
  [
    "rewrite a column for all rows",
    `alter table self_extension_events alter column stage type text using 'forged'`,
    "event-changed",
  ],
  [
    "add a column that old rows have a value in",
    `alter table action_audit_log add column forged text default 'x'`,
    "event-changed",
  ],
  [
    "keep payloads as texts of their own, one with a line break",
    `alter table self_extension_events alter column payload type json using payload::json; update self_extension_events set payload = '{"note":\n"a lie"}' where ${row}`,
    "event-changed",
  ],
  ["drop a column", `alter table self_extension_events drop column actor`, "event-changed"],
  [
    "change a recorded key",
    `update ledger_records set data = jsonb_set(data, '{reason}', '"other"') where id = 1`,
    "event-changed",
  ],
  ["remove an event", `delete from self_extension_events where ${row}`, "event-removed"],
  [
    "remove the first event",
    `delete from self_extension_events where id = (select min(id) from self_extension_events)`,
    "event-removed",
  ],
  [
    "remove the newest event",
    `delete from self_extension_events where id = (select max(id) from self_extension_events)`,
    "event-removed",
  ],
  ["empty a ledger", `truncate action_audit_log`, "event-removed"],
  [
    "give an event another id",
    `update self_extension_events set id = 1000000 where ${row}`,
    "event-removed",
  ],
  [
    "swap two events",
    `update self_extension_events a set id = case a.id when 11 then -12 else -11 end where id in (11, 12); update self_extension_events set id = -id where id < 0`,
    "event-changed",
  ],
  [
    "slip an event in between",
    `delete from ledger_leaves where leaf_index = 150;
      update ledger_leaves set leaf_index = -leaf_index where leaf_index > 150;
      update ledger_leaves set leaf_index = -leaf_index - 1 where leaf_index < 0`,
    "tree-rewritten",
  ],
  ["slip in an event with an id that was never given", copyOf("true", "-5"), "event-inserted"],
  [
    "slip in an event with a leaf before the first one",
    `${copyOf("true", "-5")}; insert into ledger_leaves (leaf_index, ledger, event_id, leaf_hash)
      select -1, 1, -5, leaf_hash from ledger_leaves where leaf_index = 0`,
    "event-inserted",
  ],
  [
    "slip in an event with a leaf that has no place",
    `alter table ledger_leaves drop constraint ledger_leaves_pkey; alter table ledger_leaves alter leaf_index drop not null;
      ${copyOf("true", "-5")}; insert into ledger_leaves (leaf_index, ledger, event_id, leaf_hash)
      select null, 1, -5, leaf_hash from ledger_leaves where leaf_index = 0`,
    "event-inserted",
  ],
  [
    "keep a leaf beside the tree, for later",
    `insert into ledger_leaves (leaf_index, ledger, event_id, leaf_hash)
      select -1, 1, -5, leaf_hash from ledger_leaves where leaf_index = 0`,
    "leaf-inserted",
  ],
  [
    "keep a leaf far behind the tree",
    `insert into ledger_leaves (leaf_index, ledger, event_id, leaf_hash)
      select 9007199254740000, 1, 5000000, leaf_hash from ledger_leaves where leaf_index = 0`,
    "leaf-removed",
  ],
  [
    "slip in an event without an id",
    `alter table self_extension_events drop constraint self_extension_events_pkey;
      alter table self_extension_events alter id drop not null; ${copyOf("true", "null")}`,
    "event-inserted",
  ],
  [
    "change an event, and answer the verification with what was there",
    `create table public.kept as select id, row_to_json(e)::text as json from self_extension_events e where ${row};
      create function public.row_to_json(event self_extension_events) returns json language sql stable as 'select coalesce((select k.json::json from public.kept k where k.id = $1.id), pg_catalog.row_to_json($1::record))';
      update self_extension_events set stage = 'forged' where ${row}`,
    "event-changed",
  ],
  [
    "hide an event by row security from some",
    `alter table self_extension_events enable row level security;
      create policy p on self_extension_events using (current_setting('TimeZone') = 'UTC' or id <> 40)`,
    "table-disguised",
  ],
  [
    "put a view in the table's place that shows everybody what they ask for",
    `alter table self_extension_events rename to real_events;
      create view self_extension_events as select * from real_events where current_setting('TimeZone') = 'UTC' or id <> 40`,
    "table-disguised",
  ],
  [
    "show the rows of another table with those of the ledger",
    `create table public.more () inherits (self_extension_events)`,
    "table-disguised",
  ],
  [
    "compute a column when it is read",
    `alter table self_extension_events drop column stage; alter table self_extension_events add stage text generated always as ('verify') stored`,
    "table-disguised",
  ],
  [
    "give a column a type that decides how it is shown",
    `create domain public.word as text; alter table self_extension_events alter stage type public.word`,
    "table-disguised",
  ],
  [
    "have rows that a crash takes along",
    `alter table self_extension_events set unlogged`,
    "table-disguised",
  ],
  [
    "find runs by an order of one's own",
    `create function public.compare(text, text) returns int language sql immutable as 'select 0';
      create operator class public.mine for type text using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 public.compare(text, text);
      create index mine on ledger_records (kind public.mine)`,
    "table-disguised",
  ],
  [
    "leave an event out of the index by which its run is read",
    `create table public.kept as select * from self_extension_events where ${row};
      update pg_index set indisready = false where indexrelid = 'self_extension_events_run_seq'::regclass;
      delete from self_extension_events where ${row};
      insert into self_extension_events select * from public.kept;
      update pg_index set indisready = true where indexrelid = 'self_extension_events_run_seq'::regclass`,
    "event-hidden",
  ],
  [
    "have two rows of one id",
    `alter table self_extension_events drop constraint self_extension_events_pkey; ${copyOf(row, "event.id")}`,
    "event-duplicated",
  ],
  [
    "remove an event and its leaf",
    `delete from self_extension_events where ${row}; delete from ledger_leaves where leaf_index = 150`,
    "leaf-removed",
  ],
  [
    "change an event and its leaf",
    `update self_extension_events set payload = '{}' where ${row}; update ledger_leaves set leaf_hash = sha256('forged') where leaf_index = 150`,
    "event-changed",
  ],
  [
    "change a number that no double holds by its last digit",
    `update self_extension_events set payload = '{"n": 12345678901234567891, "m": 1.0}' where run_id = 'exact-1'`,
    "event-changed",
  ],
  [
    "put something else in place of a leaf's hash",
    `alter table ledger_leaves drop constraint ledger_leaves_hash; update ledger_leaves set leaf_hash = 'short' where leaf_index = 150`,
    "event-changed",
  ],
  [
    "exchange an event for another under a new id",
    `update self_extension_events set id = -5 where ${row}`,
    "event-inserted",
  ],
  [
    "reorder leaves",
    `update ledger_leaves set leaf_index = case leaf_index when 20 then -21 else -20 end where leaf_index in (20, 21); update ledger_leaves set leaf_index = -leaf_index where leaf_index < 0`,
    "events-reordered",
  ],
  [
    "point a leaf at another event",
    `update ledger_leaves set event_id = 999999 where leaf_index = 150`,
    "event-removed",
  ],
  [
    "forget the leaves of the newest events",
    `delete from ledger_leaves where leaf_index > 280`,
    "leaf-removed",
  ],
  ["forget all leaves", `delete from ledger_leaves`, "leaf-removed"],
  ["change a stored hash", `update ledger_nodes set hash = sha256('forged')`, "node-changed"],
  ["forget stored hashes", `delete from ledger_nodes`, "node-changed"],
  [
    "change a checkpoint",
    `update ledger_checkpoints set note = replace(note, E'\\n', E'\\n1') where size = (select max(size) from ledger_checkpoints)`,
    "checkpoint-forged",
  ],
  [
    "exchange checkpoints",
    `update ledger_checkpoints set note = (select note from ledger_checkpoints order by size limit 1) where size = (select max(size) from ledger_checkpoints)`,
    "checkpoint-forged",
  ],
  [
    "remove the newest checkpoint",
    `delete from ledger_checkpoints where size = (select max(size) from ledger_checkpoints)`,
    "leaves-unsigned",
  ],
  ["remove all checkpoints", `delete from ledger_checkpoints`, "leaves-unsigned"],
  ["cut the ledger back to an earlier checkpoint", cutBack(), "ledger-truncated"],
  [
    "remove everything",
    `truncate self_extension_events, action_audit_log, ledger_records, ledger_leaves, ledger_nodes, ledger_checkpoints`,
    "ledger-truncated",
  ],
  [
    "change how a time is printed",
    `alter role postgres set timezone = 'Asia/Tokyo'; update self_extension_events set created_at = created_at + interval '9 hours' where ${row}`,
    "event-changed",
  ],
  [
    "pass a cut off as a restore",
    `insert into ledger_records (id, kind, actor, data) values (9999, 'restored', 'x', '{"from": 0, "to": 100000, "reason": "x", "keyId": "00000000", "signature": "AAAA"}'); ${cutBack()}`,
    "ledger-truncated",
  ],
  [
    "make the keys unreadable",
    `update ledger_records set data = '{}' where kind = 'key_added'`,
    "key-forged",
  ],
];

function cutBack(): string {
  return `create temp table kept as select size from ledger_checkpoints order by size offset 1 limit 1;
    delete from self_extension_events where id in (select event_id from ledger_leaves, kept where ledger = 1 and leaf_index >= size);
    delete from action_audit_log where id in (select event_id from ledger_leaves, kept where ledger = 2 and leaf_index >= size);
    delete from ledger_nodes where (node_index + 1) * 256 > (select size from kept);
    delete from ledger_leaves where leaf_index >= (select size from kept);
    delete from ledger_checkpoints where size > (select size from kept)`;
}

describe("the ledger as it was sealed", () => {
  it("has nothing to say against it, as runtime role and as superuser", async () => {
    const ways = [{ by: database.db }, { by: db }, { by: database.db, second: database.db }];
    for (const { by, ...more } of ways) {
      const report = await verifyLedger(by, { anchors, ...more });
      expect(report).toMatchObject({ ok: true, size: 310, unsealed: 0, remarks: [] });
      expect(report.divergences).toEqual([]);
    }
  });

  it("may grow: what is not sealed yet is said and is no divergence", async () => {
    const report = await afterwards(`
      insert into self_extension_events
        (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
      values ('new', 'c', 'failed', 's', 'a', 'a', 'k', '{}')`);
    expect(report).toMatchObject({ ok: true, unsealed: 1, remarks: [{ code: "events-unsealed" }] });
  });

  it("may be given a column that old rows have nothing in", async () => {
    const report = await afterwards(
      `${guardOff()}; alter table self_extension_events add column remark text`,
    );
    expect(report.ok).toBe(true);
  });
});

describe("a superuser without a guard cannot unseen", () => {
  it.each(attacks)("%s", async (_, statements, attack) => {
    const report = await afterwards(`${guardOff()}; ${statements}`);
    expect(report.ok).toBe(false);
    expect(report.divergences.map((divergence) => divergence.attack)).toContain(attack);
  });

  it("and the first divergent event is named, whatever else differs behind it", async () => {
    const report = await afterwards(`${guardOff()};
      update self_extension_events set stage = 'forged' where id in (200, 40, 120)`);
    expect(report.divergences[0]).toMatchObject({
      attack: "event-changed",
      ledger: "self_extension_events",
      eventId: 40,
    });
  });

  it("change an event and its leaf so that both agree", async () => {
    const report = await inside(
      `${guardOff()}; update self_extension_events set payload = '{"note": "a lie"}' where ${row}`,
      async (tx) => {
        await tx.execute(sql`set local time zone 'UTC'`);
        const [changed] = await tx.execute(
          sql.raw(`select row_to_json(e)::text as json from self_extension_events e where ${row}`),
        );
        const json = String(changed?.["json"]);
        const hash = hashLeaf(leafContent("self_extension_events", { json, form: "canonical" }));
        await tx.execute(
          sql.raw(
            `update ledger_leaves set leaf_hash = '\\x${hash.toString("hex")}' where leaf_index = 150`,
          ),
        );
        return await verifyLedger(tx, { anchors });
      },
    );
    // Between the checkpoint before it and the first over it.
    expect(report.divergences[0]).toMatchObject({ attack: "tree-rewritten", leafIndex: 104 });
  });

  it("rewrite events, tree and checkpoints with a key of its own: the anchors are of another tree", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const forged = { ...noteVerifier(sealer.signer.name, publicKey), privateKey };
    const report = await inside(
      `${guardOff()};
      update self_extension_events set payload = '{"note": "a lie"}' where ${row};
      truncate ledger_leaves, ledger_nodes, ledger_checkpoints;
      update ledger_records set data = jsonb_set(data, '{verifier}', to_jsonb('${encodeVerifier(forged)}'::text))`,
      async (tx) => {
        await sealBatch(tx, forged, null, await newestIds(tx));
        const alone = await verifyLedger(tx, { anchors: [] });
        // Nothing in the database itself can tell any more.
        expect(alone).toMatchObject({ ok: true, remarks: [{ code: "not-anchored" }] });
        return await verifyLedger(tx, { anchors });
      },
    );
    expect(report.divergences).toMatchObject([{ attack: "history-forked" }]);
    expect(report.divergences[0]?.detail).toContain("commit abc");
  });

  it("add a key nobody vouched for", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const forged = { ...noteVerifier(sealer.signer.name, publicKey), privateKey };
    const report = await inside(guardOff(), async (tx) => {
      const data = { verifier: encodeVerifier(forged), introducedBy: null, reason: "forged" };
      await appendRecord(tx, { kind: "key_added", actor: "nobody", data });
      await sealBatch(tx, forged, null, await newestIds(tx));
      return await verifyLedger(tx, { anchors });
    });
    expect(report.remarks.map(({ code }) => code)).toContain("key-unvouched");
  });

  it("pass a cut off as a restore, signed by a key of its own", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const { name } = sealer.signer;
    const forged = { ...noteVerifier(name, publicKey), privateKey };
    const to = 1_000_000;
    const checkpoints = anchors.map(({ size, root }) => ({ size, root }));
    const words = abandonStatement(name, { from: 0, to, checkpoints });
    const signature = sign(null, words, privateKey).toString("base64");
    const report = await inside("select 1", async (tx) => {
      const key = { verifier: encodeVerifier(forged), introducedBy: null, reason: "forged" };
      await appendRecord(tx, { kind: "key_added", actor: "nobody", data: key });
      const data = { from: 0, to, checkpoints, reason: "x", keyId: forged.keyId, signature };
      await appendRecord(tx, { kind: "restored", actor: "nobody", data });
      await execute(tx, `${guardOff()}; ${cutBack()}`);
      // Who holds a key may go on from a restore with it, and no other.
      const own = await verifyLedger(tx, { anchors, ownKeyId: forged.keyId });
      expect(own.remarks.map(({ code }) => code)).toContain("history-abandoned");
      return await verifyLedger(tx, { anchors, ownKeyId: sealer.signer.keyId });
    });
    expect(report.divergences).toMatchObject([{ attack: "ledger-truncated" }]);
  });

  it("rewrite everything as another ledger, which the state directory has not seen", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const forged = { ...noteVerifier("jarvis.local/ledger/other", publicKey), privateKey };
    const seen = anchors.map((each) => ({ ...each, origin: sealer.signer.name, isOwn: true }));
    expect(await verifyLedger(db, { anchors: seen })).toMatchObject({ ok: true });
    const report = await inside(
      `${guardOff()};
      truncate ledger_leaves, ledger_nodes, ledger_checkpoints;
      update ledger_records set data = jsonb_set(data, '{verifier}', to_jsonb('${encodeVerifier(forged)}'::text))`,
      async (tx) => {
        await sealBatch(tx, forged, null, await newestIds(tx));
        return await verifyLedger(tx, { anchors: seen });
      },
    );
    expect(report.divergences).toMatchObject([{ attack: "history-forked" }]);
  });

  it("add a second row of a sealed id, unseen by the index of ids", async () => {
    const index = "indexrelid = 'self_extension_events_pkey'::regclass";
    const report = await afterwards(`${guardOff()};
      update pg_index set indisready = false, indisvalid = false where ${index};
      ${copyOf(row, "event.id")};
      update pg_index set indisready = true, indisvalid = true where ${index}`);
    expect(report.divergences.map(({ attack }) => attack)).toEqual(["event-duplicated"]);
  });

  it.each([
    [
      "a function for the table's own type",
      `set local allow_system_table_mods = on;
        create function pg_catalog.row_to_json(self_extension_events) returns json
        language sql stable as 'select was from public.shown where id = $1.id'`,
    ],
    [
      "a cast",
      `create function public.other(json) returns text
        language sql stable as 'select coalesce((select was::jsonb::text from public.shown where was::jsonb ->> ''id'' = $1::jsonb ->> ''id''), $1::jsonb::text)';
      create cast (json as text) with function public.other(json)`,
    ],
  ])("answer in the server's place by %s", async (_, statements) => {
    const report = await afterwards(`${guardOff()};
      create table public.shown as select id, row_to_json(event) as was
        from self_extension_events event where ${row};
      grant select on public.shown to public;
      ${statements};
      update self_extension_events set payload = '{"note": "a lie"}' where ${row}`);
    expect(report.divergences[0]).toMatchObject({ attack: "event-changed" });
  });

  it("add a key that cannot be read: it counts for nothing", async () => {
    const report = await inside("select 1", async (tx) => {
      await appendRecord(tx, { kind: "key_added", actor: "nobody", data: {} });
      const data = { verifier: "no+key", introducedBy: null, reason: "x" };
      await appendRecord(tx, { kind: "key_added", actor: "nobody", data });
      return await verifyLedger(tx, { anchors });
    });
    expect(report.ok).toBe(true);
    expect(report.remarks.map(({ code }) => code)).toEqual([
      "key-unvouched",
      "key-unvouched",
      "events-unsealed",
    ]);
  });
});

/** As whoever knows where the guard is. Triggers off also lets ids be chosen. */
function guardOff(): string {
  return [
    "alter event trigger jarvis_guard_ddl disable",
    "alter event trigger jarvis_guard_drop disable",
    "alter event trigger jarvis_guard_rewrite disable",
    ...[
      "self_extension_events",
      "action_audit_log",
      "ledger_records",
      "ledger_leaves",
      "ledger_nodes",
      "ledger_checkpoints",
    ].map((table) => `alter table ${table} disable trigger user`),
  ].join("; ");
}

async function afterwards(statements: string) {
  return await inside(statements, async (tx) => await verifyLedger(tx, { anchors }));
}

class TakeBack extends Error {}

async function execute(tx: Pick<JarvisDatabase, "execute">, statements: string): Promise<void> {
  for (const statement of statements.split(";")) await tx.execute(sql.raw(statement));
}

async function inside<T>(statements: string, work: (tx: JarvisDatabase) => Promise<T>): Promise<T> {
  let answer: T | undefined;
  const attack = db.transaction(async (tx) => {
    await execute(tx, statements);
    answer = await work(tx);
    throw new TakeBack();
  });
  await expect(attack).rejects.toBeInstanceOf(TakeBack);
  return answer as T;
}
