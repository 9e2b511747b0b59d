import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { compareAndSetAgentState, readAgentState, type JarvisDatabase } from "@jarvis/db";
import { fitName, fitReason } from "./ledger-text.ts";
import { appendSelfExtensionEvent, kernelContext, type EventContext } from "./lifecycle-events.ts";

const KEY = "self_extension:promotion_control";

// A database that answers later than this is as good as unreachable: nobody waits to hear "paused".
const READ_LIMIT_MS = 5_000;

/** The run id under which changes of the switch stand in the ledger. */
export const PROMOTION_CONTROL_STREAM = "promotion-control";

export const promotionControlState = z.object({
  paused: z.boolean(),
  reason: z.string(),
  updatedBy: z.string(),
  updatedAt: z.string(),
});
export type PromotionControlState = z.infer<typeof promotionControlState>;

export interface PromotionControlReading extends PromotionControlState {
  /** Why the state could not be read; null when it could. Whatever cannot be read is paused. */
  readonly problem: string | null;
}

/**
 * Whether promotion is paused. A missing row, a malformed value or a database that does not answer
 * is paused: absence is never permission. The kill switch is not looked at; the two are independent.
 */
export async function getPromotionControlState(
  db: JarvisDatabase,
): Promise<PromotionControlReading> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(reject, READ_LIMIT_MS, new Error("too late"));
    });
    const row = await Promise.race([readAgentState(db, KEY), late]);
    if (row === null) return unreadable(`the row ${KEY} is missing`);
    const parsed = promotionControlState.safeParse(row.value);
    if (!parsed.success) return unreadable(`the row ${KEY} is malformed`);
    return { ...parsed.data, problem: null };
  } catch {
    return unreadable("the database could not be read");
  } finally {
    clearTimeout(timer);
  }
}

export interface PromotionControlChange {
  readonly paused: boolean;
  readonly reason: string;
  readonly updatedBy: string;
}

/**
 * Sets the switch and appends `promotion_pause_changed`, both or neither. Two operators who change
 * it at the same time both succeed, one after the other; the ledger shows the order.
 */
export async function setPromotionControlState(
  db: JarvisDatabase,
  change: PromotionControlChange,
): Promise<PromotionControlState> {
  // Whatever a person writes as the reason, the switch moves: it is cut, never refused.
  const fitted = {
    paused: change.paused,
    reason: fitReason(change.reason),
    updatedBy: fitName(change.updatedBy),
  };
  for (;;) {
    const next = await trySet(db, fitted);
    if (next !== null) return next;
  }
}

async function trySet(
  db: JarvisDatabase,
  change: PromotionControlChange,
): Promise<PromotionControlState | null> {
  return await db.transaction(async (tx) => {
    // A process that is stopped in here would hold the switch: the database then lets go of it.
    await tx.execute(sql`set local idle_in_transaction_session_timeout = '5s'`);
    const row = await readAgentState(tx, KEY);
    const before = promotionControlState.safeParse(row?.value);
    const next: PromotionControlState = { ...change, updatedAt: new Date().toISOString() };
    const written = await compareAndSetAgentState(tx, KEY, {
      expectedVersion: row?.version ?? null,
      value: next,
    });
    if (written.outcome === "conflict") return null;
    await appendSelfExtensionEvent(tx, {
      context: contextOf(change.updatedBy),
      type: "promotion_pause_changed",
      stage: "control",
      idempotencyKey: randomUUID(),
      payload: { ...next, previouslyPaused: before.success ? before.data.paused : null },
    });
    return next;
  });
}

/** What a pause could say of the promotions that were on their way. */
export interface PauseAcknowledgement {
  readonly acknowledged: boolean;
  readonly drained: readonly { readonly runId: string; readonly outcome: string }[];
  readonly unresolved: readonly { readonly runId: string; readonly why: string }[];
  readonly fence: string;
}

/** Writes down what a pause was answered with: the switch stands, and this is what was known then. */
export async function recordAcknowledgement(
  db: JarvisDatabase,
  control: PromotionControlState,
  { acknowledged, drained, unresolved, fence }: PauseAcknowledgement,
): Promise<void> {
  await appendSelfExtensionEvent(db, {
    context: contextOf(control.updatedBy),
    type: "promotion_pause_changed",
    stage: acknowledged ? "acknowledged" : "not-acknowledged",
    idempotencyKey: randomUUID(),
    payload: {
      ...control,
      previouslyPaused: true,
      acknowledgement: {
        acknowledged,
        fence,
        drained: drained.slice(0, SHOWN).map(({ runId, outcome }) => ({ runId, outcome })),
        unresolved: unresolved.slice(0, SHOWN).map(({ runId, why }) => ({ runId, why })),
      },
    },
  });
}

const SHOWN = 20;

function contextOf(updatedBy: string): EventContext {
  return {
    ...kernelContext(PROMOTION_CONTROL_STREAM),
    actorSource: updatedBy === "system" ? "system" : "user",
    actor: updatedBy,
  };
}

function unreadable(problem: string): PromotionControlReading {
  return {
    paused: true,
    reason: `paused because ${problem}`,
    updatedBy: "system",
    updatedAt: new Date(0).toISOString(),
    problem,
  };
}
