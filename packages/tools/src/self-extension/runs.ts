import { and, asc, desc, eq, gt, inArray, lt, sql } from "drizzle-orm";
import { ZodError } from "zod";
import {
  ledgerWriters,
  selfExtensionEvents,
  type JarvisDatabase,
  type SelfExtensionEvent,
} from "@jarvis/db";
import { SelfExtensionError } from "./errors.ts";
import { evidence } from "./evidence.ts";
import { readLedgerBlob } from "./ledger-blob.ts";
import {
  parseRow,
  readRunEvents,
  showRow,
  type LifecycleEvent,
  type ShownEvent,
} from "./lifecycle-events.ts";
import { resultOf, type RunResult } from "./run-result.ts";
import { foldRun, unreadableRun, type RunState, type RunStatus } from "./run-state.ts";

/** A run's answer to the result contract; null where there is no such run. */
export async function readRunResult(db: JarvisDatabase, runId: string): Promise<RunResult | null> {
  const run = await readRun(db, runId);
  return run?.result ?? null;
}

export interface Run {
  readonly state: RunState;
  readonly result: RunResult;
  readonly events: readonly LifecycleEvent[];
}

export async function readRun(db: JarvisDatabase, runId: string): Promise<Run | null> {
  const events = await readRunEvents(db, runId).catch((error: unknown) => unreadableBy(error));
  if (typeof events === "string") {
    const state = unreadableRun(runId, events);
    return { state, result: resultOf(state, []), events: [] };
  }
  if (events.length === 0) return null;
  const state = foldRun(runId, events);
  return { state, result: resultOf(state, await readDiagnostics(db, state)), events };
}

/** How many runs are folded at a time, and in all, to find those with a status. */
const SCAN = 100;
const LOOKED_THROUGH = 2000;

/** The states of the newest runs, newest first; `before` continues from a run id of an earlier page. */
export async function listRuns(
  db: JarvisDatabase,
  page: { limit: number; before?: string | undefined; status?: RunStatus | undefined },
): Promise<RunState[]> {
  const { status, limit } = page;
  if (status === undefined) return await pageOfRuns(db, page);
  // A status is what the events add up to, so runs are looked through until there are enough.
  const found: RunState[] = [];
  let { before } = page;
  for (let looked = 0; found.length < limit && looked < LOOKED_THROUGH; looked += SCAN) {
    const states = await pageOfRuns(db, { limit: SCAN, before });
    found.push(...states.filter((state) => state.status === status));
    before = states.at(-1)?.runId;
    if (states.length < SCAN) break;
  }
  return found.slice(0, limit);
}

async function pageOfRuns(
  db: JarvisDatabase,
  page: { limit: number; before?: string | undefined },
): Promise<RunState[]> {
  // Run ids are UUIDv7: their order is the order of time.
  const rows = await db
    .selectDistinct({ runId: selfExtensionEvents.runId })
    .from(selfExtensionEvents)
    .where(
      and(
        eq(selfExtensionEvents.eventType, "proposed"),
        page.before === undefined ? undefined : lt(selfExtensionEvents.runId, page.before),
      ),
    )
    .orderBy(desc(selfExtensionEvents.runId))
    .limit(page.limit);
  return await readRunStates(
    db,
    rows.map(({ runId }) => runId),
  );
}

/** Folds many runs from one query, in the order asked for. */
export async function readRunStates(
  db: JarvisDatabase,
  runIds: readonly string[],
): Promise<RunState[]> {
  if (runIds.length === 0) return [];
  const rows = await db
    .select()
    .from(selfExtensionEvents)
    .where(inArray(selfExtensionEvents.runId, [...runIds]))
    .orderBy(asc(selfExtensionEvents.seq));
  const histories = new Map<string, typeof rows>(runIds.map((runId) => [runId, []]));
  for (const row of rows) histories.get(row.runId)?.push(row);
  return [...histories].map(([runId, history]) => {
    try {
      return foldRun(runId, history.map(parseRow));
    } catch (error) {
      // One of them must not keep anybody from the others.
      return unreadableRun(runId, unreadableBy(error));
    }
  });
}

/** Why an event cannot be read; any other error is thrown again. */
function unreadableBy(error: unknown): string {
  if (error instanceof SelfExtensionError && error.code === "malformed-event") return error.message;
  throw error;
}

/**
 * Below this event id every run of a database has ended, which no run takes back. Without it each look
 * would go through the whole ledger.
 */
const endedBelow = new WeakMap<JarvisDatabase, number>();

/** Runs that have not ended: to be started again after a crash, or to continue once a switch is turned. */
export async function openRuns(db: JarvisDatabase): Promise<RunState[]> {
  const floor = endedBelow.get(db) ?? 0;
  const { id, runId, eventType } = selfExtensionEvents;
  // In this order: every row up to the newest can be seen once nobody writes any more.
  const [last] = await db.select({ id }).from(selfExtensionEvents).orderBy(desc(id)).limit(1);
  const isSettled = (await ledgerWriters(db, ["self_extension_events"])).size === 0;
  const rows = await db
    .select({ runId, first: sql<string>`min(${id})` })
    .from(selfExtensionEvents)
    .where(
      and(
        gt(id, floor),
        eq(eventType, "proposed"),
        sql`not exists (
          select 1 from ${selfExtensionEvents} as e
          where e.run_id = ${selfExtensionEvents}.run_id
            and (e.event_type in ('promoted', 'failed')
              or (e.event_type = 'promotion_blocked' and e.payload ->> 'parked' = 'false'))
        )`,
      ),
    )
    .groupBy(runId);
  if (isSettled) {
    const below = Math.min(...rows.map(({ first }) => Number(first) - 1), last?.id ?? 0);
    endedBelow.set(db, Math.max(floor, below));
  }
  return await readRunStates(db, rows.map((row) => row.runId).sort());
}

export interface EventFilter {
  readonly runId?: string | undefined;
  readonly type?: string | undefined;
  readonly actor?: string | undefined;
  /** Not before, and before: instants. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Events with a greater id, in ascending order; without it the newest, in ascending order. */
  readonly after?: string | undefined;
  /** Events with a smaller id only. */
  readonly before?: string | undefined;
  readonly limit: number;
}

export async function listEvents(
  db: JarvisDatabase,
  filter: EventFilter,
): Promise<LifecycleEvent[]> {
  return (await listRows(db, filter)).map(parseRow);
}

/** The same for whoever only shows them: also those that this version cannot read. */
export async function listShownEvents(
  db: JarvisDatabase,
  filter: EventFilter,
): Promise<ShownEvent[]> {
  return (await listRows(db, filter)).map(showRow);
}

async function listRows(db: JarvisDatabase, filter: EventFilter): Promise<SelfExtensionEvent[]> {
  const where = and(
    filter.runId === undefined ? undefined : eq(selfExtensionEvents.runId, filter.runId),
    filter.type === undefined ? undefined : sql`${selfExtensionEvents.eventType} = ${filter.type}`,
    filter.actor === undefined ? undefined : eq(selfExtensionEvents.actor, filter.actor),
    filter.from === undefined
      ? undefined
      : sql`${selfExtensionEvents.createdAt} >= ${filter.from}::timestamptz`,
    filter.to === undefined
      ? undefined
      : sql`${selfExtensionEvents.createdAt} < ${filter.to}::timestamptz`,
    filter.after === undefined
      ? undefined
      : sql`${selfExtensionEvents.id} > ${filter.after}::bigint`,
    filter.before === undefined
      ? undefined
      : sql`${selfExtensionEvents.id} < ${filter.before}::bigint`,
  );
  const query = db.select().from(selfExtensionEvents).where(where).limit(filter.limit);
  if (filter.after !== undefined) {
    return await query.orderBy(selfExtensionEvents.id);
  }
  return (await query.orderBy(desc(selfExtensionEvents.id))).reverse();
}

async function readDiagnostics(db: JarvisDatabase, state: RunState) {
  if (state.evidenceDigest === null) return [];
  try {
    const bytes = await readLedgerBlob(db, state.evidenceDigest);
    return bytes === null ? [] : evidence.parse(JSON.parse(bytes.toString("utf8"))).stages;
  } catch (error) {
    const unreadable =
      error instanceof SelfExtensionError ||
      error instanceof SyntaxError ||
      error instanceof ZodError;
    if (!unreadable) throw error;
    // Shown, not acted upon: promotion reads evidence through `loadVerified`, which refuses.
    return [];
  }
}
