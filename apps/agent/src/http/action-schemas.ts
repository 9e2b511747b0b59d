import { z } from "@hono/zod-openapi";
import { ActionStatus, Actor, AuditEvent, EffectClass, RiskLevel } from "@jarvis/operator-core";

export { problem } from "./schemas.ts";

export const action = z
  .object({
    id: z.number().int(),
    state: ActionStatus,
    version: z.number().int(),
    actionName: z.string(),
    /** Secrets among them are replaced; the digest is of what would be executed. */
    parameters: z.record(z.string(), z.unknown()),
    digest: z.string(),
    reason: z.string(),
    effect: EffectClass,
    risk: RiskLevel,
    needsApproval: z.boolean(),
    requesterKind: Actor,
    requestedBy: z.string(),
    agentId: z.string().nullable(),
    sessionId: z.string(),
    approvedBy: z.string().nullable(),
    approvalExpiresAt: z.string().nullable(),
    stopReason: z.string().nullable(),
    endReason: z.string().nullable(),
    createdAt: z.string(),
    updatedAt: z.string(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
  })
  .openapi("Action");

/** How an approved action ended; `detail` is why it did not complete. */
export const execution = z
  .object({
    outcome: z.enum(["completed", "failed", "cancelled", "refused"]),
    result: z.unknown(),
    detail: z.string().nullable(),
  })
  .openapi("Execution");

export const auditEvent = z
  .object({
    id: z.number().int(),
    proposalId: z.number().int().nullable(),
    eventType: AuditEvent.shape.eventType,
    eventData: z.record(z.string(), z.unknown()).nullable(),
    actor: Actor,
    timestamp: z.string(),
    createdAt: z.string(),
  })
  .openapi("AuditEvent");
