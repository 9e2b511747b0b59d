import {
  ledgerWriters,
  selfExtensionEvents,
  type JarvisDatabase,
  type LedgerLook,
  type LedgerTable,
} from "@jarvis/db";
import { showRow, type ShownEvent } from "@jarvis/tools/self-extension";
import { asc, gt, sql } from "drizzle-orm";
import { z } from "zod";

/** What following the ledger asks the database. */
export interface LedgerReader extends LedgerLook<number> {
  /** Committed events with a greater id, in the order of ids. */
  after(id: number, limit: number): Promise<readonly ShownEvent[]>;
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
      return rows.map(showRow);
    },
    ...ledgerEdge(db, "self_extension_events"),
  };
}

export function ledgerEdge(db: JarvisDatabase, ledger: LedgerTable): LedgerLook<number> {
  return {
    openWriters: async () => await ledgerWriters(db, [ledger]),
    async newest() {
      const rows = await db.execute(
        sql`select coalesce(max(id), 0) as id from ${sql.identifier(ledger)}`,
      );
      return newest.parse([...rows])[0]?.id ?? 0;
    },
  };
}
