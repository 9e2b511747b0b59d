import type { JarvisDatabase, LedgerRecordKind } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { tableOf } from "../rows/table-of.ts";

const records = z.array(z.object({ id: z.coerce.number().int(), data: z.unknown() }));
const inserted = z.tuple([z.object({ id: z.coerce.number().int() })]);

/** Appends to the ledger about the ledger and answers the id. `data` has to be free of secrets. */
export async function appendRecord(
  db: JarvisDatabase,
  record: {
    readonly kind: LedgerRecordKind;
    readonly actor: string;
    readonly data: Readonly<Record<string, unknown>>;
  },
): Promise<number> {
  // Not by drizzle's insert, which names columns that the runtime role may not set.
  const rows = await db.execute(sql`
    insert into ledger_records (kind, actor, data)
    values (${record.kind}, ${record.actor}, ${JSON.stringify(record.data)}::jsonb) returning id`);
  const [{ id }] = inserted.parse(Array.from(rows));
  return id;
}

/** The records of a kind, oldest first. */
export async function readRecords(
  db: JarvisDatabase,
  kind: LedgerRecordKind,
): Promise<{ id: number; data: unknown }[]> {
  const rows = await db.execute(sql`
    select id, data from ${tableOf("ledger_records")} where kind = ${kind} order by id`);
  return records.parse(Array.from(rows));
}
