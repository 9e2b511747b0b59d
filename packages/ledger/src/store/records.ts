import type { JarvisDatabase, LedgerRecordKind } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";

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
