import { actionProposals } from "@jarvis/db";
import type { ActionProposalRow, JarvisDatabase } from "@jarvis/db";
import { and, eq, sql } from "drizzle-orm";
import type { ActionDefinition } from "./action-definition.ts";
import type { ActionPolicy } from "./action-policy.ts";
import { proposalOf } from "./action-proposal.ts";
import type { ActionProposal } from "./action-proposal.ts";
import type { ActionRegistry } from "./action-registry.ts";
import { ActionAuditor } from "./auditor.ts";
import { decideStart } from "./decide-start.ts";
import type { StartRefusal } from "./decide-start.ts";
import { approvalExpired, moveProposal, readProposalRow } from "./proposal-store.ts";
import { inMs, leaseMs } from "./running-actions.ts";
import type { SessionRiskTracker } from "./session-risk.ts";

/** A proposal that is this executor's to run, and nobody else's. */
export type Begun = {
  outcome: "begun";
  proposal: ActionProposal;
  definition: ActionDefinition;
  parameters: unknown;
};

export type NotBegun = { outcome: "refused"; refusal: StartRefusal; detail: string };

type Executor = {
  readonly id: string;
  readonly registry: ActionRegistry;
  readonly policy: ActionPolicy;
  readonly sessions: SessionRiskTracker;
};

/**
 * Claims a proposal by compare-and-set on its version, and records that it executes. A refusal that
 * changed something (an approval that is over, a session at risk) is committed as well.
 */
export async function beginAction(
  db: JarvisDatabase,
  executor: Executor,
  proposalId: number,
  approvalToken: string | undefined,
): Promise<Begun | NotBegun> {
  return await db.transaction(async (tx) => await claim(tx, executor, proposalId, approvalToken));
}

async function claim(
  tx: JarvisDatabase,
  executor: Executor,
  proposalId: number,
  approvalToken: string | undefined,
): Promise<Begun | NotBegun> {
  const row = await readProposalRow(tx, proposalId);
  const definition = executor.registry.get(row.actionName);
  const { policy, sessions } = executor;
  const decision = decideStart(row, { definition, policy, approvalToken });
  if (!decision.start) return refuse(decision.refusal, decision.detail);
  if (definition === undefined) return refuse("unknown-action", row.actionName);

  if (row.state === "approved" && (await isOver(tx, row))) {
    const expired = await moveProposal(tx, row, "expired", { endReason: approvalExpired });
    if (expired === null) return refuse("lost-race", "somebody else moved it first");
    await new ActionAuditor(tx).logExpired(row.id, approvalExpired);
    return refuse("approval-expired", approvalExpired);
  }
  const { verdict, risk } = await sessions.judge(tx, row.sessionId, row);
  if (verdict === "observe") {
    return refuse("session-observe-only", `session ${row.sessionId} may only observe`);
  }
  if (verdict === "ask" && decision.needsSessionVerdict) {
    await tx
      .update(actionProposals)
      .set({ needsApproval: true })
      .where(eq(actionProposals.id, row.id));
    return refuse("approval-needed", `session ${row.sessionId} is at risk ${risk.level}`);
  }
  const claimed = await moveProposal(tx, row, "executing", {
    executorId: executor.id,
    approvalTokenHash: null,
    leaseExpiresAt: inMs(leaseMs),
    startedAt: sql`clock_timestamp()`,
  });
  if (claimed === null) return refuse("lost-race", "somebody else moved it first");
  const { executorId } = claimed;
  await new ActionAuditor(tx).logExecutionStarted(row.id, { executorId, risk: risk.score });
  return {
    outcome: "begun",
    proposal: proposalOf(claimed),
    definition,
    parameters: decision.parameters,
  };
}

function refuse(refusal: StartRefusal, detail: string): NotBegun {
  return { outcome: "refused", refusal, detail };
}

// By the clock of the database, which gave the time.
async function isOver(tx: JarvisDatabase, row: ActionProposalRow): Promise<boolean> {
  const over = await tx
    .select({ id: actionProposals.id })
    .from(actionProposals)
    .where(
      and(
        eq(actionProposals.id, row.id),
        sql`coalesce(${actionProposals.approvalExpiresAt} <= clock_timestamp(), true)`,
      ),
    );
  return over.length > 0;
}
