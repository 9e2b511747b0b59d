import { randomUUID } from "node:crypto";
import type { NewSelfExtensionEvent } from "../schema/index.ts";

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
