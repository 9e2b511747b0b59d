import { sql } from "drizzle-orm";
import { bigint, check, pgTable, primaryKey, smallint, text, unique } from "drizzle-orm/pg-core";
import { bytea } from "./bytea.ts";
import { instant } from "./columns.ts";

/*
 * The proof beside the ledgers: one RFC 6962 tree over all their rows. These tables are append-only
 * like what they prove; what is in them is checked against the rows and the signatures, not believed.
 */

/**
 * Which row is which leaf. `ledger` is 1 for `self_extension_events`, 2 for `action_audit_log` and 3
 * for `ledger_records`; of one ledger, leaves stand in the order of ids.
 */
export const ledgerLeaves = pgTable(
  "ledger_leaves",
  {
    leafIndex: bigint("leaf_index", { mode: "number" }).primaryKey(),
    ledger: smallint().notNull(),
    eventId: bigint("event_id", { mode: "number" }).notNull(),
    leafHash: bytea("leaf_hash").notNull(),
  },
  (table) => [
    unique("ledger_leaves_event").on(table.ledger, table.eventId),
    check("ledger_leaves_ledger", sql.raw(`ledger in (1, 2, 3)`)),
    check("ledger_leaves_hash", sql.raw(`octet_length(leaf_hash) = 32`)),
  ],
);

/** Hashes of complete subtrees of 256 leaves (`level` 8), of 65,536 (16), and so on. */
export const ledgerNodes = pgTable(
  "ledger_nodes",
  {
    level: smallint().notNull(),
    nodeIndex: bigint("node_index", { mode: "number" }).notNull(),
    hash: bytea().notNull(),
  },
  (table) => [
    primaryKey({ name: "ledger_nodes_place", columns: [table.level, table.nodeIndex] }),
    check("ledger_nodes_hash", sql.raw(`octet_length(hash) = 32`)),
  ],
);

/** Signed notes about the tree, one for each size that was signed. */
export const ledgerCheckpoints = pgTable("ledger_checkpoints", {
  size: bigint({ mode: "number" }).primaryKey(),
  note: text().notNull(),
  createdAt: instant("created_at")
    .notNull()
    .default(sql`clock_timestamp()`),
});
