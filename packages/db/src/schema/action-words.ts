/*
 * The closed words of actions, without the tables that hold them: a program that only reads what
 * was typed needs no database.
 */

/** The states of a proposed action. Which may follow which, a trigger of the table decides. */
export const actionStates = [
  "proposed",
  "validated",
  "approved",
  "executing",
  "completed",
  "failed",
  "cancelled",
  "rejected",
  "expired",
] as const;

export type ActionState = (typeof actionStates)[number];

/** What an action can do to the world, from nothing to what nobody can take back. */
export const effectClasses = [
  "read",
  "write-workspace",
  "network",
  "process",
  "promotion",
  "irreversible",
] as const;

export type EffectClass = (typeof effectClasses)[number];

export const riskLevels = ["low", "medium", "high", "critical"] as const;

export type RiskLevel = (typeof riskLevels)[number];

/** What can happen to an action, and the two things that can happen to all of them. */
export const auditEventTypes = [
  "proposed",
  "validated",
  "approved",
  "rejected",
  "executing",
  "completed",
  "failed",
  "cancelled",
  "expired",
  "kill_switch",
  "mode_change",
] as const;

export type AuditEventType = (typeof auditEventTypes)[number];

/** Who an event is by; the name behind it stands in `event_data`. */
export const auditActors = ["agent", "user", "system"] as const;

export type AuditActor = (typeof auditActors)[number];
