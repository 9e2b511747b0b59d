import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { connect } from "../connection.ts";
import type { SqlClient } from "../connection.ts";
import { DatabaseError, messageOf } from "../errors.ts";
import { KERNEL_SCHEMA } from "../kernel-schema.ts";
import { roles } from "../setup/roles.ts";
import { BackupHeader, BackupSection, END_OF_ROWS, leftOut } from "./backup-file.ts";

type Transaction = Parameters<Parameters<SqlClient["begin"]>[1]>[0];

const Triggers = z.array(z.object({ table: z.string(), trigger: z.string(), mode: z.string() }));
const References = z.array(z.object({ table: z.string(), name: z.string() }));
const Newest = z.tuple([z.object({ id: z.string().nullable() })]);
const Names = z.array(z.object({ name: z.string() }));

/** The ledgers, with what numbers their rows. Their ids are part of what is proved: they are kept. */
const numbered = {
  self_extension_events: "self_extension_events_id",
  action_audit_log: "action_audit_log_id",
  ledger_records: "ledger_records_id",
} as const;

const modes: Readonly<Record<string, string>> = {
  A: "enable always",
  R: "enable replica",
  O: "enable",
  D: "disable",
};

/**
 * Fills an empty database from a backup, in one transaction and by the recorded way of changing a
 * ledger: all of it, or nothing. Promotion is paused and the mode is observe afterwards, since what
 * happened after the backup is not known here.
 * @throws DatabaseError `restore-refused`
 */
export async function restoreBackup(
  migratorUrl: string,
  file: string,
  reason: string,
): Promise<{ rows: number; checkpoint: string | null }> {
  const migrator = connect(migratorUrl, {
    max: 1,
    role: roles.owner,
    applicationName: "jarvis restore",
  });
  try {
    return await migrator.begin(async (tx) => {
      await tx`set local time zone 'UTC'`;
      await requireEmpty(tx);
      await tx.unsafe(`set local role ${roles.guard}`);
      await tx`select jarvis_guard.begin_ledger_change(null, ${reason})`;
      await tx.unsafe(`set local role ${roles.owner}`);
      const triggers = await triggersOff(tx);
      const references = await deferReferences(tx);
      const answer = await copyIn(tx, file);
      for (const { table, name } of references) {
        await tx.unsafe(`set constraints public.${name} immediate`);
        await tx.unsafe(`alter table ${table} alter constraint ${name} not deferrable`);
      }
      for (const { table, trigger, mode } of triggers) {
        await tx.unsafe(
          `alter table public."${table}" ${modes[mode] ?? "enable"} trigger "${trigger}"`,
        );
      }
      await adjustIdentities(tx);
      await closeSwitches(tx, reason);
      const newest = await newestIds(tx);
      await tx.unsafe(`set local role ${roles.guard}`);
      for (const { sequence, id } of newest) {
        await tx`select setval(${`jarvis_guard.${sequence}`}::regclass, ${id}::text::bigint)`;
      }
      await tx`select jarvis_guard.end_ledger_change()`;
      return answer;
    });
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    throw refuse(`the backup could not be taken in (${messageOf(error)})`, error);
  } finally {
    await migrator.end({ timeout: 5 });
  }
}

/** A ledger is never mixed with another. */
async function requireEmpty(tx: Transaction): Promise<void> {
  const rows = await tx`
    select name from (
      select 'self_extension_events' as name where exists (select from public.self_extension_events)
      union all select 'action_audit_log' where exists (select from public.action_audit_log)
      union all select 'ledger_records' where exists (select from public.ledger_records)
    ) filled`;
  const [filled] = Names.parse([...rows]);
  if (filled !== undefined) {
    throw refuse(
      `its ${filled.name} has rows: restore into a database that is empty (another --state-dir, or another DATABASE_URL)`,
    );
  }
}

async function triggersOff(tx: Transaction): Promise<z.infer<typeof Triggers>> {
  const rows = await tx`
    select c.relname::text as "table", t.tgname::text as trigger, t.tgenabled::text as mode
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace = 'public'::regnamespace and not t.tgisinternal and c.relkind = 'r'
    order by 1, 2`;
  const triggers = Triggers.parse([...rows]);
  for (const { table, trigger } of triggers) {
    await tx.unsafe(`alter table public."${table}" disable trigger "${trigger}"`);
  }
  return triggers;
}

/** A backup's tables are in the order of their names: a row may come before the one that it refers to. */
async function deferReferences(tx: Transaction): Promise<z.infer<typeof References>> {
  const rows = await tx`
    select conrelid::regclass::text as "table", quote_ident(conname) as name
    from pg_constraint
    where contype = 'f' and connamespace = 'public'::regnamespace and not condeferrable`;
  const references = References.parse([...rows]);
  for (const { table, name } of references) {
    await tx.unsafe(`alter table ${table} alter constraint ${name} deferrable initially deferred`);
  }
  return references;
}

async function copyIn(
  tx: Transaction,
  file: string,
): Promise<{ rows: number; checkpoint: string | null }> {
  let header: BackupHeader | null = null;
  let into: OpenTable | null = null;
  let ended = false;
  let rows = 0;
  const filled = new Set(leftOut);
  for await (const text of linesOf(file)) {
    if (ended) throw refuse("it goes on after its end");
    if (header === null) {
      header = BackupHeader.parse(JSON.parse(text));
      if (header.schemaVersion > KERNEL_SCHEMA) {
        throw refuse(
          `it is of schema ${header.schemaVersion} and this release knows ${KERNEL_SCHEMA}: restore it with the release that wrote it, or a newer one`,
        );
      }
    } else if (into === null) {
      const section = BackupSection.parse(JSON.parse(text));
      if ("end" in section) {
        if (section.rows !== rows) throw refuse(`it names ${section.rows} rows and has ${rows}`);
        ended = true;
      } else {
        if (filled.has(section.table)) {
          throw refuse(`it has rows for ${section.table} that no backup of Jarvis's has`);
        }
        filled.add(section.table);
        into = await openTable(tx, section);
      }
    } else if (text === END_OF_ROWS) {
      await into.end();
      into = null;
    } else {
      rows += 1;
      await into.row(text);
    }
  }
  if (header === null || !ended) throw refuse(DAMAGED);
  return { rows, checkpoint: header.checkpoint };
}

const DAMAGED = "the file is damaged or ends too early";

/** The lines of a file that was packed with gzip; whoever stops early leaves nothing open. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const stored = createReadStream(file);
  const source = stored.pipe(createGunzip());
  const lines = createInterface({ input: source, crlfDelay: Infinity });
  let failure: unknown = null;
  const fail = (error: unknown): void => {
    failure ??= error;
    lines.close();
  };
  stored.on("error", fail);
  source.on("error", fail);
  // It passes an error of its source on, also when nobody reads it any more; unheard that ends the process.
  lines.on("error", fail);
  try {
    yield* lines;
    if (failure !== null) throw refuse(DAMAGED, failure);
  } finally {
    stored.destroy();
    source.destroy();
  }
}

const BATCH_ROWS = 1000;
const BATCH_BYTES = 4_000_000;

async function openTable(
  tx: Transaction,
  { table, columns }: Extract<BackupSection, { table: string }>,
): Promise<OpenTable> {
  // What set-up has put there is of this database; what the backup says counts.
  if (!(table in numbered) && !table.startsWith("ledger_")) {
    await tx.unsafe(`delete from public."${table}"`);
  }
  const list = columns.map((column) => `"${column}"`).join(", ");
  const never = await neverNull(tx, table);
  // A line of JSON writes the JSON null and no value at all alike.
  const values = columns.map((column) =>
    never.has(column) ? `coalesce((row_of)."${column}", 'null'::jsonb)` : `(row_of)."${column}"`,
  );
  const statement = `insert into public."${table}" (${list}) overriding system value
    select ${values.join(", ")}
    from (select jsonb_populate_record(null::public."${table}", line) as row_of
      from jsonb_array_elements($1::text::jsonb) line) found`;
  let waiting: string[] = [];
  let waitingBytes = 0;
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const rows = `[${waiting.join(",")}]`;
    [waiting, waitingBytes] = [[], 0];
    await tx.unsafe(statement, [rows]);
  };
  return {
    async row(json) {
      waiting.push(json);
      waitingBytes += json.length;
      if (waiting.length >= BATCH_ROWS || waitingBytes > BATCH_BYTES) await flush();
    },
    async end() {
      await flush();
      // Nothing is known of the rows otherwise until the server looks by itself, a minute later.
      await tx.unsafe(`analyze public."${table}"`);
    },
  };
}

/** The columns of JSON that always have a value. */
async function neverNull(tx: Transaction, table: string): Promise<ReadonlySet<string>> {
  const rows = await tx`
    select a.attname::text as name from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    where c.relname = ${table} and c.relnamespace = 'public'::regnamespace
      and a.attnum > 0 and a.attnotnull and a.atttypid = 'jsonb'::regtype`;
  return new Set(Names.parse([...rows]).map(({ name }) => name));
}

/** A table that is being filled. */
interface OpenTable {
  row(json: string): Promise<void>;
  end(): Promise<void>;
}

/** Where the ids of the ledgers go on. The guard numbers them and may not read them all. */
async function newestIds(tx: Transaction): Promise<{ sequence: string; id: string }[]> {
  const found: { sequence: string; id: string }[] = [];
  for (const [table, sequence] of Object.entries(numbered)) {
    const rows = await tx.unsafe(`select max(id)::text as id from public.${table}`);
    const [{ id }] = Newest.parse([...rows]);
    if (id !== null) found.push({ sequence, id });
  }
  return found;
}

async function adjustIdentities(tx: Transaction): Promise<void> {
  await tx.unsafe(`do $$ declare owned record; begin
    for owned in
      select c.oid::regclass::text as tab, a.attname as col,
        pg_get_serial_sequence(c.oid::regclass::text, a.attname) as seq
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attidentity <> ''
    loop
      execute format('select setval(%L, greatest((select max(%I) from %s), 1))', owned.seq, owned.col, owned.tab);
    end loop;
  end $$`);
}

/** Nothing goes on by itself from what a backup remembers. */
async function closeSwitches(tx: Transaction, reason: string): Promise<void> {
  const by = { reason, updatedBy: "system", updatedAt: new Date().toISOString() };
  const switches = {
    "self_extension:promotion_control": { paused: true, ...by },
    "system:safety": { mode: "observe", ...by },
  };
  for (const [key, value] of Object.entries(switches)) {
    await tx`
      insert into public.agent_state (key, value) values (${key}, ${JSON.stringify(value)}::text::jsonb)
      on conflict (key) do update
      set value = excluded.value, version = agent_state.version + 1, updated_at = clock_timestamp()`;
  }
}

function refuse(what: string, cause?: unknown): DatabaseError {
  return new DatabaseError("restore-refused", `Nothing was restored: ${what}.`, { cause });
}
