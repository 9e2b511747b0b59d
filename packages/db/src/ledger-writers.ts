import { sql } from "drizzle-orm";
import { z } from "zod";
import type { JarvisDatabase } from "./connection.ts";

const rows = z.array(z.object({ transaction: z.string() }));

/** Tables whose rows are added by insert alone, with an id from a sequence. */
export type LedgerTable = "self_extension_events" | "action_audit_log" | "ledger_records";

/**
 * The transactions that may have written to one of these ledgers and have not ended, prepared ones
 * included. An insert holds this lock from before it takes its id until its row can be seen: whoever
 * has read the newest id first and then finds nobody here has seen every row up to that id.
 */
export async function ledgerWriters(
  db: JarvisDatabase,
  ledgers: readonly LedgerTable[],
): Promise<ReadonlySet<string>> {
  const tables = sql.join(
    ledgers.map((table) => sql`${table}::regclass`),
    sql`, `,
  );
  const found = await db.execute(sql`
    select distinct virtualtransaction as transaction from pg_locks
    where locktype = 'relation' and mode = 'RowExclusiveLock' and granted
      and database = (select oid from pg_database where datname = current_database())
      and relation in (${tables})`);
  return new Set(rows.parse([...found]).map(({ transaction }) => transaction));
}
