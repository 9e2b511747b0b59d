import { asc, eq, sql } from "drizzle-orm";
import { selfExtensionEvents, type JarvisDatabase, type SelfExtensionEvent } from "@jarvis/db";
import { SelfExtensionError } from "./errors.ts";
import { fitName, fitPayload } from "./ledger-text.ts";
import {
  lifecyclePayloads,
  type LifecycleEventType,
  type LifecyclePayload,
} from "./lifecycle-payloads.ts";
import { foldRun, mayFollow } from "./run-state.ts";

export { lifecyclePayloads, type LifecycleEventType, type LifecyclePayload };

/** The canonical event names, in the order in which a run can meet them. */
export const lifecycleEventTypes = [
  "proposed",
  "tested",
  "promotion_blocked",
  "promoted",
  "failed",
  "health_window_started",
  "health_window_passed",
  "baseline_blessed",
  "health_window_failed",
  "rollback_started",
  "rolled_back",
  "rollback_failed",
  "promotion_pause_changed",
] as const satisfies readonly LifecycleEventType[];

/** Types that belong to a run; a change of the pause switch belongs to the switch. */
export type RunEventType = Exclude<LifecycleEventType, "promotion_pause_changed">;

/** Who or what the event is about; kept with every event so that one row can be read alone. */
export interface EventContext {
  readonly runId: string;
  readonly correlationId: string;
  readonly actorSource: "agent" | "user" | "system";
  readonly actor: string;
  readonly toolName: string | null;
  readonly toolCallId: string | null;
  readonly goalId: string | null;
  readonly cycleId: string | null;
  readonly subGoalId: string | null;
}

/** What the kernel does by itself, about a run that nothing else is known of. */
export function kernelContext(runId: string, correlationId = runId): EventContext {
  return {
    runId,
    correlationId,
    actorSource: "system",
    actor: "kernel",
    toolName: null,
    toolCallId: null,
    goalId: null,
    cycleId: null,
    subGoalId: null,
  };
}

export type NewLifecycleEvent = {
  [T in LifecycleEventType]: {
    readonly context: EventContext;
    readonly type: T;
    readonly stage: string;
    /** Unique in its run: a step that is repeated after a crash finds its event instead of writing it twice. */
    readonly idempotencyKey: string;
    readonly payload: LifecyclePayload<T>;
  };
}[LifecycleEventType];

/** One row of the ledger, parsed. `id` is a decimal string, `createdAt` UTC ISO 8601. */
export type LifecycleEvent = {
  [T in LifecycleEventType]: {
    readonly id: string;
    readonly runId: string;
    readonly correlationId: string;
    readonly seq: number;
    readonly type: T;
    readonly stage: string;
    readonly context: EventContext;
    readonly payload: LifecyclePayload<T>;
    readonly createdAt: string;
  };
}[LifecycleEventType];

/** One row for whoever only shows it: its words may be those of a newer version. */
export interface ShownEvent extends Omit<LifecycleEvent, "context" | "payload"> {
  readonly context: object;
  readonly payload: object;
}

/**
 * Appends one event. Secrets are redacted, texts are cut to what a row may hold, and the payload is
 * parsed against the schema of its type before the insert; the database gives id, sequence and time.
 * Repeating an append with the same `idempotencyKey` answers the event that is there.
 *
 * Throws `illegal-transition` when the type may not follow the run's state, `malformed-event` when
 * the payload is not of the type's shape.
 */
export async function appendSelfExtensionEvent(
  db: JarvisDatabase,
  event: NewLifecycleEvent,
): Promise<LifecycleEvent> {
  const parsed = lifecyclePayloads[event.type].safeParse(fitPayload(event.payload));
  if (!parsed.success) {
    throw new SelfExtensionError(
      "malformed-event",
      `a ${event.type} event has a payload of the wrong shape: ${parsed.error.message}`,
    );
  }
  return await db.transaction(async (tx) => {
    // Two writers of one run take turns, so that both judge the transition by the same history.
    await tx.execute(
      sql`select pg_advisory_xact_lock(hashtextextended('self-extension-run:' || ${event.context.runId}, 0))`,
    );
    const history = await readRunEvents(tx, event.context.runId);
    const present = await findByKey(tx, event.context.runId, event.idempotencyKey);
    if (present !== null) return present;
    if (event.type !== "promotion_pause_changed") {
      const { status } = foldRun(event.context.runId, history);
      if (!mayFollow(status, event.type)) {
        throw new SelfExtensionError(
          "illegal-transition",
          `run ${event.context.runId} is ${status}; a ${event.type} event cannot follow`,
        );
      }
    }
    const { context } = event;
    // Names come from outside like everything else: the ledger is for ever, so no secret enters it.
    const [row] = await tx
      .insert(selfExtensionEvents)
      .values({
        runId: context.runId,
        correlationId: fitName(context.correlationId),
        eventType: event.type,
        stage: event.stage,
        actorSource: context.actorSource,
        actor: fitName(context.actor),
        toolName: fitName(context.toolName),
        toolCallId: fitName(context.toolCallId),
        goalId: fitName(context.goalId),
        cycleId: fitName(context.cycleId),
        subGoalId: fitName(context.subGoalId),
        idempotencyKey: event.idempotencyKey,
        payload: parsed.data,
      })
      .returning();
    if (row === undefined) {
      throw new SelfExtensionError(
        "malformed-event",
        "the ledger took an event and gave none back",
      );
    }
    return parseRow(row);
  });
}

export async function readRunEvents(db: JarvisDatabase, runId: string): Promise<LifecycleEvent[]> {
  const rows = await db
    .select()
    .from(selfExtensionEvents)
    .where(eq(selfExtensionEvents.runId, runId))
    .orderBy(asc(selfExtensionEvents.seq));
  return rows.map(parseRow);
}

async function findByKey(
  db: JarvisDatabase,
  runId: string,
  key: string,
): Promise<LifecycleEvent | null> {
  const rows = await db
    .select()
    .from(selfExtensionEvents)
    .where(
      sql`${selfExtensionEvents.runId} = ${runId} and ${selfExtensionEvents.idempotencyKey} = ${key}`,
    );
  return rows[0] === undefined ? null : parseRow(rows[0]);
}

const actorSources = ["agent", "user", "system"] as const;

/** A row as it came back from the database; what does not parse is `malformed-event`, never skipped. */
export function parseRow(row: SelfExtensionEvent): LifecycleEvent {
  const type = lifecycleEventTypes.find((known) => known === row.eventType);
  const payload = type === undefined ? undefined : lifecyclePayloads[type].safeParse(row.payload);
  const source = actorSources.find((known) => known === row.actorSource);
  if (payload === undefined || !payload.success || source === undefined) {
    throw new SelfExtensionError(
      "malformed-event",
      `event ${row.id} of run ${row.runId} cannot be read: its type, actor source or payload is unknown to this version`,
    );
  }
  // The payload was parsed with the schema of the row's own type just above.
  const shown = showRow(row);
  const context = { ...shown.context, actorSource: source };
  return { ...shown, context, payload: payload.data } as LifecycleEvent;
}

/** A row as it stands, whether this version knows all of its words or not. */
export function showRow(row: SelfExtensionEvent): ShownEvent {
  return {
    id: String(row.id),
    runId: row.runId,
    correlationId: row.correlationId,
    seq: row.seq,
    type: row.eventType,
    stage: row.stage,
    context: {
      runId: row.runId,
      correlationId: row.correlationId,
      actorSource: row.actorSource,
      actor: row.actor,
      toolName: row.toolName,
      toolCallId: row.toolCallId,
      goalId: row.goalId,
      cycleId: row.cycleId,
      subGoalId: row.subGoalId,
    },
    payload: typeof row.payload === "object" && row.payload !== null ? row.payload : {},
    createdAt: row.createdAt.toISOString(),
  };
}
