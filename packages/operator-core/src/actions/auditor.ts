import { actionAuditLog } from "@jarvis/db";
import type { ActionAuditLogRow, JarvisDatabase } from "@jarvis/db";
import { and, asc, desc, eq, gt } from "drizzle-orm";
import { z } from "zod";
import { messageOf, OperatorError } from "../errors.ts";
import type { SafetyMode } from "../safety-state.ts";
import type { ActionProposal } from "./action-proposal.ts";
import { AuditEvent } from "./audit-event.ts";
import type { Actor, NewAuditEvent, Principal, RecordedAuditEvent } from "./audit-event.ts";
import { fitEventData } from "./event-data.ts";
import type { EventData } from "./event-data.ts";

export type AuditFilter = {
  proposalId?: number | undefined;
  eventType?: AuditEvent["eventType"] | undefined;
  /** The id of the last event that the reader has: what is answered comes after it. */
  after?: number | undefined;
  /** Whether the limit leaves the newest, which are answered oldest first all the same. */
  newest?: boolean | undefined;
  limit?: number | undefined;
};

/** How an execution ended. */
export type ExecutionEnd = {
  success: boolean;
  error?: string | undefined;
  durationMs?: number | undefined;
  result?: unknown;
};

const system: Principal = { kind: "system", name: "system" };
const PageLimit = z.int().min(1).max(1_000);

/**
 * Writes and reads the action ledger. Made over a transaction, what it writes is part of it: a state
 * and the event that records it change together or not at all.
 *
 * Secrets are redacted and the data is cut to what a row may hold before the insert, because a row
 * can never be taken back.
 */
export class ActionAuditor {
  readonly #db: JarvisDatabase;
  readonly #clock: () => Date;

  constructor(db: JarvisDatabase, clock: () => Date = () => new Date()) {
    this.#db = db;
    this.#clock = clock;
  }

  /** @throws OperatorError `malformed-event` when it is not an `AuditEvent`. */
  async logEvent(event: NewAuditEvent): Promise<RecordedAuditEvent> {
    const parsed = AuditEvent.safeParse(event);
    if (!parsed.success) {
      throw new OperatorError(
        "malformed-event",
        `An action event was not recorded, because it is none: ${z.prettifyError(parsed.error)}`,
        { cause: parsed.error },
      );
    }
    const { proposalId, eventType, eventData, actor, timestamp } = parsed.data;
    const [row] = await this.#db
      .insert(actionAuditLog)
      .values({
        proposalId,
        eventType,
        eventData: eventData === null ? null : fitEventData(eventData),
        actor,
        timestamp: new Date(timestamp),
      })
      .returning();
    if (row === undefined) {
      throw new OperatorError("malformed-event", "The action ledger took an event and gave none.");
    }
    return eventOf(row);
  }

  async logProposalCreated(proposal: ActionProposal): Promise<RecordedAuditEvent> {
    const { actionName, parameters, parametersDigest, reason, effect, risk } = proposal;
    const { requestedBy, agentId, sessionId } = proposal;
    return await this.#log("proposed", proposal.id, proposal.requesterKind, {
      actionName,
      reason,
      effect,
      risk,
      requestedBy,
      agentId,
      sessionId,
      parametersDigest,
      parameters,
    });
  }

  async logValidated(proposalId: number, facts: EventData = {}): Promise<RecordedAuditEvent> {
    return await this.#log("validated", proposalId, "system", facts);
  }

  async logApproved(
    proposalId: number,
    approval: { by: Principal; digest: string; expiresAt: string },
  ): Promise<RecordedAuditEvent> {
    const { by, ...facts } = approval;
    return await this.#logBy("approved", proposalId, by, facts);
  }

  async logRejected(
    proposalId: number,
    rejection: { by: Principal; reason: string; errors?: readonly unknown[] },
  ): Promise<RecordedAuditEvent> {
    const { by, ...facts } = rejection;
    return await this.#logBy("rejected", proposalId, by, facts);
  }

  async logExecutionStarted(
    proposalId: number,
    facts: EventData = {},
  ): Promise<RecordedAuditEvent> {
    return await this.#log("executing", proposalId, "agent", facts);
  }

  /** `completed`, or `failed` with the error. */
  async logExecutionCompleted(
    proposalId: number,
    end: ExecutionEnd,
    facts: EventData = {},
  ): Promise<RecordedAuditEvent> {
    const { success, error, durationMs, result } = end;
    return success
      ? await this.#log("completed", proposalId, "agent", { ...facts, durationMs, result })
      : await this.#log("failed", proposalId, "agent", { ...facts, durationMs, error });
  }

  async logCancelled(
    proposalId: number,
    reason: string,
    by: Principal = system,
    facts: EventData = {},
  ): Promise<RecordedAuditEvent> {
    return await this.#logBy("cancelled", proposalId, by, { ...facts, reason });
  }

  async logExpired(proposalId: number, reason: string): Promise<RecordedAuditEvent> {
    return await this.#log("expired", proposalId, "system", { reason });
  }

  async logKillSwitch(
    cancelledCount: number,
    by: Principal = system,
    facts: EventData = {},
  ): Promise<RecordedAuditEvent> {
    return await this.#logBy("kill_switch", null, by, { ...facts, cancelledCount });
  }

  /** `oldMode` is null where there was nothing readable. */
  async logModeChange(
    oldMode: SafetyMode | null,
    newMode: SafetyMode,
    by: Principal = system,
    facts: EventData = {},
  ): Promise<RecordedAuditEvent> {
    return await this.#logBy("mode_change", null, by, { ...facts, oldMode, newMode });
  }

  /** Oldest first. The next page begins after the id of the last one. */
  async getEvents(filter: AuditFilter = {}): Promise<RecordedAuditEvent[]> {
    const { proposalId, eventType, after, newest = false, limit = 100 } = filter;
    const rows = await this.#db
      .select()
      .from(actionAuditLog)
      .where(
        and(
          proposalId === undefined ? undefined : eq(actionAuditLog.proposalId, proposalId),
          eventType === undefined ? undefined : eq(actionAuditLog.eventType, eventType),
          after === undefined ? undefined : gt(actionAuditLog.id, after),
        ),
      )
      .orderBy(newest ? desc(actionAuditLog.id) : asc(actionAuditLog.id))
      .limit(PageLimit.parse(limit));
    return (newest ? rows.toReversed() : rows).map(eventOf);
  }

  async #logBy(
    eventType: AuditEvent["eventType"],
    proposalId: number | null,
    by: Principal,
    facts: EventData,
  ): Promise<RecordedAuditEvent> {
    return await this.#log(eventType, proposalId, by.kind, { by: by.name, ...facts });
  }

  async #log(
    eventType: AuditEvent["eventType"],
    proposalId: number | null,
    actor: Actor,
    eventData: EventData,
  ): Promise<RecordedAuditEvent> {
    const timestamp = this.#clock().toISOString();
    return await this.logEvent({ proposalId, eventType, eventData, actor, timestamp });
  }
}

/** @throws OperatorError `malformed-event`: what this version cannot read is never skipped. */
function eventOf(row: ActionAuditLogRow): RecordedAuditEvent {
  try {
    const parsed = AuditEvent.parse({
      ...row,
      timestamp: row.timestamp.toISOString(),
      createdAt: row.createdAt.toISOString(),
    });
    return { ...parsed, id: row.id, createdAt: row.createdAt.toISOString() };
  } catch (error) {
    throw new OperatorError(
      "malformed-event",
      `Action event ${row.id} cannot be read by this version: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
