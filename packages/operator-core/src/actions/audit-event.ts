import { auditActors, auditEventTypes } from "@jarvis/db";
import { z } from "zod";

export const Actor = z.enum(auditActors);
export type Actor = z.infer<typeof Actor>;

/** Who does something: what kind of actor, and which one. */
export type Principal = { readonly kind: Actor; readonly name: string };

/**
 * One event of the action ledger. `timestamp` is when it happened; `id` and `createdAt` are given by
 * the database and null before.
 */
export const AuditEvent = z.object({
  id: z.int().positive().nullable().default(null),
  /** Null for events of the whole system: `kill_switch` and `mode_change`. */
  proposalId: z.int().positive().nullable().default(null),
  eventType: z.enum(auditEventTypes),
  eventData: z.record(z.string(), z.unknown()).nullable().default(null),
  actor: Actor,
  timestamp: z.iso.datetime(),
  createdAt: z.iso.datetime().nullable().default(null),
});
export type AuditEvent = z.infer<typeof AuditEvent>;

/** What a caller gives; `id` and `createdAt` are not the caller's to choose. */
export type NewAuditEvent = Omit<z.input<typeof AuditEvent>, "id" | "createdAt">;

/** An event that is in the ledger. */
export type RecordedAuditEvent = AuditEvent & { id: number; createdAt: string };
