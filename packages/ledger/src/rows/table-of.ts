import { sql, type SQL } from "drizzle-orm";
import type { SealedLedger } from "./leaf.ts";

/** The tables of the tree over the ledgers. */
export const treeTables = ["ledger_leaves", "ledger_nodes", "ledger_checkpoints"] as const;

/**
 * By its schema: a verification names every table so and looks up functions in `pg_catalog` only. With
 * another search path a function of somebody's own, whose parameters fit better, would answer for the
 * server's.
 */
export function tableOf(name: SealedLedger | (typeof treeTables)[number]): SQL {
  return sql`public.${sql.identifier(name)}`;
}
