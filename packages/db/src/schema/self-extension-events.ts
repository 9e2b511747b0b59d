import { sql } from "drizzle-orm";
import { bigint, check, index, integer, jsonb, pgTable, text, unique } from "drizzle-orm/pg-core";
import { instant, oneOf } from "./columns.ts";
import { selfExtensionEventTypes } from "./lifecycle-words.ts";
import type { SelfExtensionEventType } from "./lifecycle-words.ts";

/** What a payload may take in the ledger; anything longer belongs in `blobs`, named by its digest. */
export const payloadLimitBytes = 16_384;

/**
 * The lifecycle ledger, append-only: one row a transition, immutable from the moment it is inserted.
 *
 * The database enforces that, not this file: UPDATE, DELETE and TRUNCATE are refused for every
 * role, and a trigger overwrites `id`, `seq`, `createdAt` and `dbUser` whatever the caller gave.
 * Their defaults exist only so that an insert need not name them; 0 would mark a row that went
 * past the trigger.
 *
 * `seq` has no gaps within a run. `id` orders the events of one run; between runs it is the order
 * in which numbers were taken, which may differ from the order of commits.
 */
export const selfExtensionEvents = pgTable(
  "self_extension_events",
  {
    id: bigint({ mode: "number" }).primaryKey().default(0),
    runId: text("run_id").notNull(),
    correlationId: text("correlation_id").notNull(),
    seq: integer().notNull().default(0),
    eventType: text("event_type").$type<SelfExtensionEventType>().notNull(),
    stage: text().notNull(),
    actorSource: text("actor_source").notNull(),
    actor: text().notNull(),
    toolName: text("tool_name"),
    toolCallId: text("tool_call_id"),
    goalId: text("goal_id"),
    cycleId: text("cycle_id"),
    subGoalId: text("sub_goal_id"),
    idempotencyKey: text("idempotency_key").notNull(),
    payload: jsonb().$type<Record<string, unknown>>().notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
    dbUser: text("db_user")
      .notNull()
      .default(sql`session_user`),
  },
  (table) => [
    // Two writers cannot both be right about what came next in a run.
    unique("self_extension_events_run_seq").on(table.runId, table.seq),
    // A step that is run again after a crash finds the event it already wrote.
    unique("self_extension_events_run_idempotency_key").on(table.runId, table.idempotencyKey),
    index("self_extension_events_type_created_at").on(table.eventType, table.createdAt),
    index("self_extension_events_created_at").on(table.createdAt),
    index("self_extension_events_correlation").on(table.correlationId),
    // Pages of the ledger are read by id, also those of one type and of one actor.
    index("self_extension_events_type_id").on(table.eventType, table.id),
    index("self_extension_events_actor_id").on(table.actor, table.id),
    // Whether a tree was verified is asked at every look at the base.
    index("self_extension_events_tested_tree")
      .on(sql`(payload ->> 'treeSha')`)
      .where(sql`event_type = 'tested'`),
    check("self_extension_events_event_type", oneOf("event_type", selfExtensionEventTypes)),
    check(
      "self_extension_events_payload_size",
      sql.raw(`octet_length(payload::text) <= ${payloadLimitBytes}`),
    ),
  ],
);

export type SelfExtensionEvent = typeof selfExtensionEvents.$inferSelect;

/** What a caller gives; the columns that the database sets are not among it. */
export type NewSelfExtensionEvent = Omit<
  typeof selfExtensionEvents.$inferInsert,
  "id" | "seq" | "createdAt" | "dbUser"
>;
