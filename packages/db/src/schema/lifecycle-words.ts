/*
 * The closed words of lifecycle events, without the table that holds them: a program that only reads
 * what was typed needs no database.
 */

/** The lifecycle event types. A closed set: the database refuses any other word. */
export const selfExtensionEventTypes = [
  "proposed",
  "tested",
  "promotion_blocked",
  "promoted",
  "failed",
  "promotion_pause_changed",
  "health_window_started",
  "health_window_passed",
  "health_window_failed",
  "rollback_started",
  "rolled_back",
  "rollback_failed",
  "baseline_blessed",
] as const;

export type SelfExtensionEventType = (typeof selfExtensionEventTypes)[number];
