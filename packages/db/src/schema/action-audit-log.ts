import { sql } from "drizzle-orm";
import { bigint, check, index, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { auditActors, auditEventTypes } from "./action-words.ts";
import type { AuditActor, AuditEventType } from "./action-words.ts";
import { instant, oneOf } from "./columns.ts";

/** What `event_data` may take; anything longer belongs in `blobs`, named by its digest. */
export const eventDataLimitBytes = 16_384;

/**
 * The action ledger: one row an event, immutable from the moment it is inserted.
 *
 * Guarded like the lifecycle ledger: UPDATE, DELETE and TRUNCATE are refused for every role, and a
 * trigger overwrites `id` and `createdAt` whatever the caller gave. `timestamp` is when it happened,
 * by the clock of who says so; `createdAt` is when the database took it.
 *
 * `id` orders the events of one proposal; between proposals it is the order in which numbers were
 * taken, which may differ from the order of commits.
 */
export const actionAuditLog = pgTable(
  "action_audit_log",
  {
    id: bigint({ mode: "number" }).primaryKey().default(0),
    /** Null for events of the whole system. No foreign key: the ledger outlives what it is about. */
    proposalId: bigint("proposal_id", { mode: "number" }),
    eventType: text("event_type").$type<AuditEventType>().notNull(),
    eventData: jsonb("event_data").$type<Record<string, unknown>>(),
    actor: text().$type<AuditActor>().notNull(),
    timestamp: instant("timestamp").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (table) => [
    index("idx_audit_proposal").on(table.proposalId),
    index("idx_audit_type").on(table.eventType),
    index("idx_audit_timestamp").on(table.timestamp),
    check("action_audit_log_event_type", oneOf("event_type", auditEventTypes)),
    check("action_audit_log_actor", oneOf("actor", auditActors)),
    check(
      "action_audit_log_proposal",
      sql.raw(`(proposal_id is null) = (event_type in ('kill_switch', 'mode_change'))`),
    ),
    check(
      "action_audit_log_event_data_size",
      sql.raw(`octet_length(event_data::text) <= ${eventDataLimitBytes}`),
    ),
  ],
);

export type ActionAuditLogRow = typeof actionAuditLog.$inferSelect;
