import { actionProposals, parametersLimitBytes } from "@jarvis/db";
import type { ActionProposalRow, JarvisDatabase } from "@jarvis/db";
import type { SQL } from "drizzle-orm";
import { and, asc, desc, eq, inArray, isNull, lt, notInArray, or, sql } from "drizzle-orm";
import { OperatorError } from "../errors.ts";
import { redactSecrets } from "../redaction.ts";
import { jsonbBytes, proposalOf } from "./action-proposal.ts";
import type { ActionProposal } from "./action-proposal.ts";
import { hasEnded, mayFollow, pendingStates } from "./action-status.ts";
import type { ActionStatus } from "./action-status.ts";
import { ActionAuditor } from "./auditor.ts";
import type { Principal } from "./audit-event.ts";

/** @throws OperatorError `unknown-proposal` */
export async function readProposalRow(db: JarvisDatabase, id: number): Promise<ActionProposalRow> {
  const [row] = await db.select().from(actionProposals).where(eq(actionProposals.id, id));
  if (row !== undefined) return row;
  throw new OperatorError(
    "unknown-proposal",
    `There is no proposal ${id}: list them with jarvis actions.`,
  );
}

/** @throws OperatorError `unknown-proposal` */
export async function readProposal(db: JarvisDatabase, id: number): Promise<ActionProposal> {
  return proposalOf(await readProposalRow(db, id));
}

export type ProposalFilter = {
  states?: readonly ActionStatus[] | undefined;
  /** The id of the last proposal that the reader has: what is answered is older. */
  before?: number | undefined;
  limit?: number | undefined;
};

/** Newest first. */
export async function listProposals(
  db: JarvisDatabase,
  filter: ProposalFilter = {},
): Promise<ActionProposal[]> {
  const { states, before, limit = 100 } = filter;
  const rows = await db
    .select()
    .from(actionProposals)
    .where(
      and(
        states === undefined ? undefined : inArray(actionProposals.state, [...states]),
        before === undefined ? undefined : lt(actionProposals.id, before),
      ),
    )
    .orderBy(desc(actionProposals.id))
    .limit(limit);
  return rows.map(proposalOf);
}

type Facts = {
  [Column in Exclude<keyof ActionProposalRow, "id" | "state" | "version">]?:
    | ActionProposalRow[Column]
    | SQL;
};

/**
 * Moves a proposal on, if it is still what the caller read; null when somebody else moved it first.
 * The event that records it belongs into the same transaction.
 */
export async function moveProposal(
  tx: JarvisDatabase,
  from: { id: number; state: ActionStatus; version: number },
  to: ActionStatus,
  facts: Facts = {},
): Promise<ActionProposalRow | null> {
  if (!mayFollow(from.state, to)) return null;
  const [row] = await tx
    .update(actionProposals)
    .set({ ...facts, ...endFacts(to), state: to, version: from.version + 1 })
    // Postgres looks at the row again after waiting for a concurrent writer of it.
    .where(
      and(
        eq(actionProposals.id, from.id),
        eq(actionProposals.version, from.version),
        eq(actionProposals.state, from.state),
      ),
    )
    .returning();
  if (row === undefined) return null;
  return hasEnded(to) ? await emptySecrets(tx, row) : row;
}

/** An action as people are told of it. */
export interface NamedAction {
  readonly id: number;
  readonly name: string;
}

/** Cancels all that has not begun, and records each. Answers which. */
export async function cancelPending(
  tx: JarvisDatabase,
  reason: string,
  by: Principal,
): Promise<NamedAction[]> {
  // Locked in the order of their ids, so that two of these cannot wait for each other.
  const pending = tx
    .select({ id: actionProposals.id })
    .from(actionProposals)
    .where(inArray(actionProposals.state, [...pendingStates]))
    .orderBy(asc(actionProposals.id))
    .for("update");
  const cancelled = await tx
    .update(actionProposals)
    .set({
      ...endFacts("cancelled"),
      state: "cancelled",
      version: sql`${actionProposals.version} + 1`,
      endReason: reason,
    })
    .where(inArray(actionProposals.id, pending))
    .returning();
  const auditor = new ActionAuditor(tx);
  const inOrder = cancelled.toSorted((a, b) => a.id - b.id);
  for (const row of inOrder) {
    await auditor.logCancelled(row.id, reason, by);
    await emptySecrets(tx, row);
  }
  return inOrder.map(({ id, actionName }) => ({ id, name: actionName }));
}

/**
 * Asks the executors, wherever they run, to stop: all that executes, or one proposal. Answers the
 * which were asked to stop, for the first time or before.
 */
export async function requestStop(
  db: JarvisDatabase,
  reason: string,
  proposalId?: number,
): Promise<NamedAction[]> {
  const executing = and(
    eq(actionProposals.state, "executing"),
    proposalId === undefined ? undefined : eq(actionProposals.id, proposalId),
  );
  await db
    .update(actionProposals)
    .set({ stopReason: reason })
    .where(and(executing, isNull(actionProposals.stopReason)));
  return await db
    .select({ id: actionProposals.id, name: actionProposals.actionName })
    .from(actionProposals)
    .where(executing)
    .orderBy(asc(actionProposals.id));
}

/** Which of these are still executing. */
export async function stillExecuting(
  db: JarvisDatabase,
  ids: readonly number[],
): Promise<number[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select({ id: actionProposals.id })
    .from(actionProposals)
    .where(and(inArray(actionProposals.id, [...ids]), eq(actionProposals.state, "executing")));
  return rows.map(({ id }) => id);
}

/**
 * Closes as failed what an executor began and did not live to end: its lease has run out, or the
 * caller knows it to be dead. `alive` are proposals that the caller itself runs: a process that stood
 * still finds its own leases over, and is not dead. Answers how many.
 */
export async function closeAbandoned(
  db: JarvisDatabase,
  { dead = [], alive = [] }: { dead?: readonly string[]; alive?: readonly number[] } = {},
): Promise<number> {
  return await db.transaction(async (tx) => {
    const closed = await tx
      .update(actionProposals)
      .set({
        ...endFacts("failed"),
        state: "failed",
        version: sql`${actionProposals.version} + 1`,
        endReason: sql`'its executor ' || coalesce(${actionProposals.executorId}, '') || ' stopped answering'`,
      })
      .where(
        and(
          eq(actionProposals.state, "executing"),
          or(
            lt(actionProposals.leaseExpiresAt, sql`clock_timestamp()`),
            inArray(actionProposals.executorId, [...dead]),
          ),
          notInArray(actionProposals.id, [...alive]),
        ),
      )
      .returning();
    const auditor = new ActionAuditor(tx);
    for (const row of closed) {
      const end = { success: false, error: row.endReason ?? "unknown" };
      await auditor.logExecutionCompleted(row.id, end, { abandoned: true });
      await emptySecrets(tx, row);
    }
    return closed.length;
  });
}

/** Expires approvals that nobody used in time. Answers how many. */
export async function expireApprovals(db: JarvisDatabase): Promise<number> {
  return await db.transaction(async (tx) => {
    const expired = await tx
      .update(actionProposals)
      .set({
        ...endFacts("expired"),
        state: "expired",
        version: sql`${actionProposals.version} + 1`,
        endReason: approvalExpired,
      })
      .where(
        and(
          eq(actionProposals.state, "approved"),
          lt(actionProposals.approvalExpiresAt, sql`clock_timestamp()`),
        ),
      )
      .returning();
    for (const row of expired) {
      await new ActionAuditor(tx).logExpired(row.id, approvalExpired);
      await emptySecrets(tx, row);
    }
    return expired.length;
  });
}

export const approvalExpired = "the approval was not used in time";

// The token of an approval is of no use any more, and the end has a time.
function endFacts(to: ActionStatus) {
  return hasEnded(to) ? { approvalTokenHash: null, endedAt: sql`clock_timestamp()` } : {};
}

/*
 * Secrets among the parameters are needed for the execution and for nothing after it. The digest
 * stays: it still says what was executed. In a statement of its own, because the database lets only
 * an ended proposal lose what it asks for.
 */
async function emptySecrets(
  tx: JarvisDatabase,
  row: ActionProposalRow,
): Promise<ActionProposalRow> {
  const { value, redactions } = redactSecrets(row.parameters);
  if (redactions === 0) return row;
  const redacted = value as Record<string, unknown>;
  // A short secret takes less room than the words for it.
  const fits = jsonbBytes(JSON.stringify(redacted)) <= parametersLimitBytes;
  const [emptied] = await tx
    .update(actionProposals)
    .set({ parameters: fits ? redacted : { redacted: true } })
    .where(eq(actionProposals.id, row.id))
    .returning();
  return emptied ?? row;
}
