import { sql } from "drizzle-orm";
import { bigint, boolean, check, index, integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { actionStates, auditActors, effectClasses, riskLevels } from "./action-words.ts";
import type { ActionState, AuditActor, EffectClass, RiskLevel } from "./action-words.ts";
import { instant, oneOf } from "./columns.ts";

/** What the parameters of one action may take. */
export const parametersLimitBytes = 262_144;

/**
 * Proposed actions and where each of them is. What happened to them is in `action_audit_log`.
 *
 * A trigger refuses a change of `state` that skips a state, leaves an end, starts what still needs
 * an approval, or does not raise `version`. Parameters are kept as given, because they are what
 * will be executed: this table holds secrets where parameters do; the ledger does not.
 */
export const actionProposals = pgTable(
  "action_proposals",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    state: text().$type<ActionState>().notNull().default("proposed"),
    version: integer().notNull().default(1),
    actionName: text("action_name").notNull(),
    parameters: jsonb().$type<Record<string, unknown>>().notNull(),
    /** Of the action and its parameters: what an approval is bound to. */
    parametersDigest: text("parameters_digest").notNull(),
    reason: text().notNull(),
    effect: text().$type<EffectClass>().notNull(),
    risk: text().$type<RiskLevel>().notNull(),
    needsApproval: boolean("needs_approval").notNull(),
    requesterKind: text("requester_kind").$type<AuditActor>().notNull(),
    requestedBy: text("requested_by").notNull(),
    agentId: text("agent_id"),
    sessionId: text("session_id").notNull(),
    approvalTokenHash: text("approval_token_hash"),
    approvalExpiresAt: instant("approval_expires_at"),
    approvedDigest: text("approved_digest"),
    approvedBy: text("approved_by"),
    /** Who executes it, and until when that is believed without another sign of life. */
    executorId: text("executor_id"),
    leaseExpiresAt: instant("lease_expires_at"),
    /** Set by a kill switch or a person: its executor has to stop it. */
    stopReason: text("stop_reason"),
    endReason: text("end_reason"),
    createdAt: instant("created_at").notNull().defaultNow(),
    updatedAt: instant("updated_at").notNull().defaultNow(),
    startedAt: instant("started_at"),
    endedAt: instant("ended_at"),
  },
  (table) => [
    index("action_proposals_state").on(table.state),
    index("action_proposals_session_started").on(table.sessionId, table.startedAt),
    index("action_proposals_requested").on(table.requestedBy, table.createdAt),
    check("action_proposals_state", oneOf("state", actionStates)),
    check("action_proposals_effect", oneOf("effect", effectClasses)),
    check("action_proposals_risk", oneOf("risk", riskLevels)),
    check("action_proposals_requester_kind", oneOf("requester_kind", auditActors)),
    check(
      "action_proposals_parameters_size",
      sql.raw(`octet_length(parameters::text) <= ${parametersLimitBytes}`),
    ),
  ],
);

export type ActionProposalRow = typeof actionProposals.$inferSelect;
