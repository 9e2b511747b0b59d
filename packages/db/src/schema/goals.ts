import { sql } from "drizzle-orm";
import { bigint, check, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, oneOf } from "./columns.ts";
import { goalStates } from "./goal-words.ts";

export type GoalState = (typeof goalStates)[number];

/** Goals that nobody works on any more. */
export const endedGoalStates = ["reached", "given-up", "cancelled"] as const;

/**
 * What Jarvis is asked to make of itself. The row is what is to be done now; who asked for it, paused
 * it or took it back is in the action ledger.
 *
 * A budget that is null is the configured one. Money is in millionths of a dollar.
 */
export const goals = pgTable(
  "goals",
  {
    id: text().primaryKey(),
    text: text().notNull(),
    /** The higher is worked on first; among equals the older. */
    priority: integer().notNull().default(0),
    state: text().$type<GoalState>().notNull().default("open"),
    /** One sentence for people: why it is where it is. */
    detail: text(),
    /** Attempts that were begun. */
    attempts: integer().notNull().default(0),
    maxAttempts: integer("max_attempts"),
    maxTokens: bigint("max_tokens", { mode: "number" }),
    maxMicroUsd: bigint("max_micro_usd", { mode: "number" }),
    maxSteps: integer("max_steps"),
    maxMinutes: integer("max_minutes"),
    requestedBy: text("requested_by").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
    updatedAt: instant("updated_at").notNull().defaultNow(),
    endedAt: instant("ended_at"),
  },
  (table) => [
    index("goals_state").on(table.state, table.priority),
    check("goals_state_word", oneOf("state", goalStates)),
    check("goals_text_size", sql.raw(`octet_length(text) between 1 and 16384`)),
    check("goals_ended", sql`(ended_at is not null) = (${oneOf("state", endedGoalStates)})`),
    check(
      "goals_budgets",
      sql.raw(
        `attempts >= 0 and coalesce(max_attempts, 1) > 0 and coalesce(max_tokens, 1) > 0 and coalesce(max_micro_usd, 1) > 0 and coalesce(max_steps, 1) > 0 and coalesce(max_minutes, 1) > 0`,
      ),
    ),
  ],
);

export const attemptStates = ["working", "proposed", "ended"] as const;

export type AttemptState = (typeof attemptStates)[number];

/** One try at a goal: a conversation with the model that leads to one proposal, or to none. */
export const goalAttempts = pgTable(
  "goal_attempts",
  {
    goalId: text("goal_id")
      .notNull()
      .references(() => goals.id),
    number: integer().notNull(),
    state: text().$type<AttemptState>().notNull().default("working"),
    /** The run that it was proposed as; null before. */
    runId: text("run_id"),
    /** How it ended, a word of `goal-attempt.ts` in `@jarvis/agent`; null before. */
    outcome: text(),
    /** What the next attempt and the report are told: text of models and candidates, redacted and cut. */
    report: text(),
    startedAt: instant("started_at").notNull().defaultNow(),
    endedAt: instant("ended_at"),
  },
  (table) => [
    primaryKey({ name: "goal_attempts_place", columns: [table.goalId, table.number] }),
    index("goal_attempts_run").on(table.runId),
    check("goal_attempts_state_word", oneOf("state", attemptStates)),
    check(
      "goal_attempts_ended",
      sql.raw(
        `(state = 'ended') = (outcome is not null) and (state = 'ended') = (ended_at is not null)`,
      ),
    ),
    check("goal_attempts_report_size", sql.raw(`octet_length(report) <= 32768`)),
  ],
);

export const modelCallOutcomes = ["answered", "failed", "aborted"] as const;

export type ModelCallOutcome = (typeof modelCallOutcomes)[number];

/**
 * Every request to a model, written before it is sent, with what it may cost at most: a call that a
 * crash cut off stays counted in full. Its end replaces that by what was used.
 */
export const modelCalls = pgTable(
  "model_calls",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    goalId: text("goal_id").notNull(),
    attempt: integer().notNull(),
    model: text().notNull(),
    inputTokens: bigint("input_tokens", { mode: "number" }).notNull(),
    outputTokens: bigint("output_tokens", { mode: "number" }).notNull(),
    microUsd: bigint("micro_usd", { mode: "number" }).notNull(),
    durationMs: integer("duration_ms"),
    outcome: text().$type<ModelCallOutcome>(),
    /** Why it failed, or who stopped it. */
    detail: text(),
    startedAt: instant("started_at").notNull().defaultNow(),
  },
  (table) => [
    index("model_calls_goal").on(table.goalId, table.attempt),
    index("model_calls_started").on(table.startedAt),
    check("model_calls_outcome_word", oneOf("outcome", modelCallOutcomes)),
    check("model_calls_ended", sql.raw(`(outcome is null) = (duration_ms is null)`)),
    check(
      "model_calls_amounts",
      sql.raw(`input_tokens >= 0 and output_tokens >= 0 and micro_usd >= 0`),
    ),
  ],
);

export type GoalRow = typeof goals.$inferSelect;
export type GoalAttemptRow = typeof goalAttempts.$inferSelect;
