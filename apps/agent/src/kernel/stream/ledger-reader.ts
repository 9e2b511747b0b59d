import { ledgerWriters, selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { parseRow, type LifecycleEvent } from "@jarvis/tools/self-extension";
import { asc, gt, sql } from "drizzle-orm";
import { z } from "zod";

/** What following the ledger asks the database. Ids are whole numbers below 2^53. */
export interface LedgerReader {
  /** Committed events with a greater id, in the order of ids. */
  after(id: number, limit: number): Promise<readonly LifecycleEvent[]>;
  /** Transactions that may have written to the ledger and have not ended. */
  openWriters(): Promise<ReadonlySet<string>>;
  /** The newest id that this moment can see; 0 for an empty ledger. */
  newest(): Promise<number>;
}

const newest = z.array(z.object({ id: z.coerce.number().int() }));

export function ledgerReader(db: JarvisDatabase): LedgerReader {
  return {
    async after(id, limit) {
      const rows = await db
        .select()
        .from(selfExtensionEvents)
        .where(gt(selfExtensionEvents.id, id))
        .orderBy(asc(selfExtensionEvents.id))
        .limit(limit);
      return rows.map(parseRow);
    },
    openWriters: async () => await ledgerWriters(db, ["self_extension_events"]),
    async newest() {
      const rows = await db.execute(
        sql`select coalesce(max(id), 0) as id from ${selfExtensionEvents}`,
      );
      return newest.parse([...rows])[0]?.id ?? 0;
    },
  };
}
