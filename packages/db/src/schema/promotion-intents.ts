import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { instant, oneOf } from "./columns.ts";

/** How far a promotion was let: announced, or allowed to move the base. */
export const intentPhases = ["recorded", "landing"] as const;

export type IntentPhase = (typeof intentPhases)[number];

export const intentOutcomes = ["landed", "did-not-happen"] as const;

export type IntentOutcome = (typeof intentOutcomes)[number];

/**
 * Announcements that the base is about to be moved, one open at a time, and what became of each.
 *
 * A trigger takes the lock of the promotion switch before it lets a row in or on to `landing`, and
 * refuses both while promotion is paused, unless the row is a revert's. So every pause comes either
 * before or after, never between. A row is never removed, and never changes once it is resolved, but
 * for the time at which its fence was closed.
 */
export const promotionIntents = pgTable(
  "promotion_intents",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    runId: text("run_id").notNull(),
    attempt: integer().notNull(),
    headSha: text("head_sha").notNull(),
    baseSha: text("base_sha").notNull(),
    isRevert: boolean("is_revert").notNull(),
    /** The process that acts on it: see `promotion-holder.ts` in `@jarvis/tools`. */
    holder: jsonb().$type<Record<string, unknown>>().notNull(),
    phase: text().$type<IntentPhase>().notNull().default("recorded"),
    recordedAt: instant("recorded_at").notNull().defaultNow(),
    /** When the last request that moves the base was allowed; null before the first. */
    landingAt: instant("landing_at"),
    resolvedAt: instant("resolved_at"),
    outcome: text().$type<IntentOutcome>(),
    /** What the outcome is known by, a word of `promotion-intents.ts` in `@jarvis/tools`. */
    knownBy: text("known_by"),
    /** The commit on the base, where it landed. */
    mergeSha: text("merge_sha"),
    /** When the status of a head that did not land was read back as not green. */
    fenceClosedAt: instant("fence_closed_at"),
  },
  (table) => [
    // Promotions go one by one, whoever does them: the database decides who is first. A revert waits
    // for no change that it may be about.
    uniqueIndex("promotion_intents_one_open")
      .on(table.isRevert)
      .where(sql`resolved_at is null`),
    index("promotion_intents_head").on(table.headSha),
    check("promotion_intents_phase", oneOf("phase", intentPhases)),
    check("promotion_intents_outcome", oneOf("outcome", intentOutcomes)),
    check(
      "promotion_intents_shas",
      sql.raw(`head_sha ~ '^[0-9a-f]{40}$' and base_sha ~ '^[0-9a-f]{40}$'`),
    ),
    check("promotion_intents_landing", sql.raw(`(phase = 'landing') = (landing_at is not null)`)),
    check(
      "promotion_intents_resolution",
      sql.raw(
        `(resolved_at is null) = (outcome is null) and (outcome is null) = (known_by is null) and (outcome is not distinct from 'landed') = (merge_sha is not null)`,
      ),
    ),
    check("promotion_intents_holder_size", sql.raw(`octet_length(holder::text) <= 1024`)),
  ],
);

export type PromotionIntentRow = typeof promotionIntents.$inferSelect;
