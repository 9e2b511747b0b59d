import { randomUUID } from "node:crypto";
import type { actionAuditLog, NewSelfExtensionEvent } from "../schema/index.ts";

/** A ledger event that the database accepts; a test names only what it is about. */
export function anEvent(overrides: Partial<NewSelfExtensionEvent> = {}): NewSelfExtensionEvent {
  return {
    runId: "run-1",
    correlationId: "correlation-1",
    eventType: "proposed",
    stage: "proposal",
    actorSource: "test",
    actor: "a test",
    idempotencyKey: randomUUID(),
    payload: { note: "a fact" },
    ...overrides,
  };
}

/** An event of the action ledger that the database accepts. */
export function anAuditEvent(
  overrides: Partial<typeof actionAuditLog.$inferInsert> = {},
): typeof actionAuditLog.$inferInsert {
  return {
    proposalId: 1,
    eventType: "proposed",
    eventData: { note: "a fact" },
    actor: "agent",
    timestamp: new Date("2026-01-01T00:00:00Z"),
    ...overrides,
  };
}

/** What a statement was refused with: the SQLSTATE and the sentence, or null if it passed. */
export async function refusalOf(
  statement: PromiseLike<unknown>,
): Promise<{ code: string; message: string } | null> {
  try {
    await statement;
    return null;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (!(cause instanceof Error)) throw error;
    return { code: "code" in cause ? String(cause.code) : "", message: cause.message };
  }
}
