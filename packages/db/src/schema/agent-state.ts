import { integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

/**
 * Pointers and switches, never history: one JSON value per key, changed by compare-and-set on
 * `version`. A missing row is never permission.
 */
export const agentState = pgTable("agent_state", {
  key: text().primaryKey(),
  value: jsonb().$type<unknown>().notNull(),
  version: integer().notNull().default(1),
  updatedAt: instant("updated_at").notNull().defaultNow(),
});

export type AgentStateRow = typeof agentState.$inferSelect;

/** The keys that exist from the moment the database was created. */
export const agentStateKeys = [
  "self_extension:promotion_control",
  "self_extension:pipeline_status",
  "self_extension:known_good_baseline",
  "system:safety",
  "system:loop_health",
] as const;
