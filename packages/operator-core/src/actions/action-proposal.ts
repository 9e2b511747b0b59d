import { createHash } from "node:crypto";
import type { ActionProposalRow } from "@jarvis/db";
import { z } from "zod";
import { messageOf, OperatorError } from "../errors.ts";
import { EffectClass, RiskLevel } from "./action-definition.ts";
import { ActionStatus } from "./action-status.ts";
import { Actor } from "./audit-event.ts";

const Instant = z.date().transform((date) => date.toISOString());

/** An action somebody asks for, and where it is. `version` changes with every change of state. */
export const ActionProposal = z.object({
  id: z.int().positive(),
  state: ActionStatus,
  version: z.int().positive(),
  actionName: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  parametersDigest: z.string(),
  reason: z.string(),
  effect: EffectClass,
  risk: RiskLevel,
  needsApproval: z.boolean(),
  requesterKind: Actor,
  requestedBy: z.string(),
  agentId: z.string().nullable(),
  sessionId: z.string(),
  approvalExpiresAt: Instant.nullable(),
  approvedDigest: z.string().nullable(),
  approvedBy: z.string().nullable(),
  executorId: z.string().nullable(),
  stopReason: z.string().nullable(),
  endReason: z.string().nullable(),
  createdAt: Instant,
  updatedAt: Instant,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
});
export type ActionProposal = z.infer<typeof ActionProposal>;

/** The hash of an approval's token is left out: nothing that reads proposals needs it. */
export function proposalOf(row: ActionProposalRow): ActionProposal {
  try {
    return ActionProposal.parse(row);
  } catch (error) {
    throw new OperatorError(
      "proposal-unreadable",
      `Proposal ${row.id} cannot be read by this version: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** What an approval is bound to: the action and its parameters, in one canonical encoding. */
export function digestOf(action: { actionName: string; parameters: unknown }): string {
  const { actionName, parameters } = action;
  const hash = createHash("sha256").update(canonicalJson({ actionName, parameters }));
  return `sha256:${hash.digest("hex")}`;
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`);
  return `{${members.join(",")}}`;
}

/** As PostgreSQL prints it, with a space after each comma and colon: at most so many bytes. */
export function jsonbBytes(json: string): number {
  return Buffer.byteLength(json) + (json.match(/[,:]/g)?.length ?? 0);
}
