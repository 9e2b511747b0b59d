import { ledgerWriters, type JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { readExactTexts } from "../rows/exact-texts.ts";
import {
  formOf,
  sealedLedgerNames,
  sealedLedgers,
  type RowText,
  type SealedLedger,
} from "../rows/leaf.ts";
import { recordsOf } from "../rows/page.ts";

/** For each ledger an event id: everything up to and with it. */
export type Horizon = Readonly<Record<SealedLedger, number>>;

/** A row as it is sealed. */
export interface LedgerRow extends RowText {
  readonly ledger: SealedLedger;
  readonly id: number;
}

const integer = z.coerce.number().int().nonnegative();
const horizonRows = z.array(z.object({ ledger: integer, id: integer }));
const pages = z.tuple([z.object({ page: z.string().nullable() })]);
const ledgerRows = z.array(z.object({ id: integer, json: z.string() }));

/** The newest id of each ledger that this moment can see. */
export async function newestIds(db: JarvisDatabase): Promise<Horizon> {
  return horizonOf(
    await db.execute(sql`
      select 1 as ledger, coalesce(max(id), 0) as id from self_extension_events
      union all select 2, coalesce(max(id), 0) from action_audit_log
      union all select 3, coalesce(max(id), 0) from ledger_records`),
  );
}

/** What is sealed already: leaves of one ledger stand in the order of ids, without exception. */
export async function sealedIds(db: JarvisDatabase): Promise<Horizon> {
  return horizonOf(
    await db.execute(sql`
      select ledger, coalesce((
        select event_id from ledger_leaves leaf where leaf.ledger = wanted.ledger
        order by event_id desc limit 1), 0) as id
      from (values (1), (2), (3)) as wanted (ledger)`),
  );
}

function horizonOf(rows: unknown): Horizon {
  const found = new Map(
    horizonRows.parse(Array.from(rows as unknown[])).map((row) => [row.ledger, row.id]),
  );
  const id = (name: SealedLedger): number => found.get(sealedLedgers[name]) ?? 0;
  return {
    self_extension_events: id("self_extension_events"),
    action_audit_log: id("action_audit_log"),
    ledger_records: id("ledger_records"),
  };
}

/** The transactions that may have written to a ledger and have not ended. */
export async function openWriters(db: JarvisDatabase): Promise<ReadonlySet<string>> {
  return await ledgerWriters(db, sealedLedgerNames);
}

/** Rows after `after` up to `upTo`, ledger by ledger in the order of ids, at most `limit`. */
export async function readRows(
  tx: JarvisDatabase,
  after: Horizon,
  upTo: Horizon,
  limit: number,
): Promise<LedgerRow[]> {
  const found: LedgerRow[] = [];
  for (const ledger of sealedLedgerNames) {
    if (upTo[ledger] <= after[ledger] || found.length >= limit) continue;
    const rows = await tx.execute(sql`
      select string_agg(concat_ws(' ', id, json), chr(30) order by id) as page
      from (
        select id, row_to_json(event) as json from (select * from ${sql.identifier(ledger)}) event
        where id > ${after[ledger]} and id <= ${upTo[ledger]}
        order by id limit ${limit - found.length}
      ) event`);
    const [{ page }] = pages.parse(Array.from(rows));
    found.push(...(await asSealed(tx, ledger, recordsOf(page).map(idAndJson))));
  }
  return found;
}

function idAndJson(record: string): { id: number; json: string } {
  const space = record.indexOf(" ");
  return { id: Number(record.slice(0, space)), json: record.slice(space + 1) };
}

/** A row as it is sealed; null where there is none. */
export async function readRow(
  tx: JarvisDatabase,
  ledger: SealedLedger,
  id: number,
): Promise<LedgerRow | null> {
  const rows = await tx.execute(sql`
    select id, concat(row_to_json(event)) as json from (select * from ${sql.identifier(ledger)}) event
    where id = ${id}`);
  const [row] = await asSealed(tx, ledger, ledgerRows.parse(Array.from(rows)));
  return row ?? null;
}

async function asSealed(
  tx: JarvisDatabase,
  ledger: SealedLedger,
  rows: readonly { readonly id: number; readonly json: string }[],
): Promise<LedgerRow[]> {
  const found = rows.map((row) => ({ ledger, ...row, form: formOf(row.json) }));
  const ofText = found.filter(({ form }) => form === "text").map(({ id }) => id);
  const texts = await readExactTexts(tx, ledger, ofText);
  return found.map((row) => ({ ...row, json: texts.get(row.id) ?? row.json }));
}
