import { sql } from "drizzle-orm";
import { bigint, check, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { instant, oneOf } from "./columns.ts";

/** What can happen to the ledger itself. A closed set: the database refuses any other word. */
export const ledgerRecordKinds = [
  "key_added",
  "evidence_attested",
  "blob_emptied",
  "restored",
] as const;

export type LedgerRecordKind = (typeof ledgerRecordKinds)[number];

/**
 * The ledger about the ledger: keys, attestations, content that was emptied, restores. Guarded and
 * sealed like the others, so that who signs, and what is gone, is proved by the same tree.
 */
export const ledgerRecords = pgTable(
  "ledger_records",
  {
    id: bigint({ mode: "number" }).primaryKey().default(0),
    kind: text().$type<LedgerRecordKind>().notNull(),
    actor: text().notNull(),
    data: jsonb().$type<Record<string, unknown>>().notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
    dbUser: text("db_user")
      .notNull()
      .default(sql`session_user`),
  },
  () => [
    check("ledger_records_kind", oneOf("kind", ledgerRecordKinds)),
    check("ledger_records_data_size", sql.raw(`octet_length(data::text) <= 16384`)),
  ],
);
