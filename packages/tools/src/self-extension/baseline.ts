import { sql } from "drizzle-orm";
import { selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { SelfExtensionError } from "./errors.ts";
import {
  appendSelfExtensionEvent,
  kernelContext,
  readRunEvents,
  type LifecycleEvent,
  type NewLifecycleEvent,
} from "./lifecycle-events.ts";
import { mirrorBaseline } from "./releases/mirror-pointers.ts";
import {
  readBaseline,
  withBlessed,
  writeBaseline,
  type BaselinePointer,
  type BlessedRelease,
} from "./releases/pointers.ts";
import { foldRun, isUnsettled, type RunState } from "./run-state.ts";

/**
 * Makes a release the baseline: first the pointer file, which counts and which the launcher reads,
 * then in one transaction `health_window_passed`, `baseline_blessed` and the database's copy of the
 * pointer. The file holds all that the events say, so a crash in between is finished by
 * `recordBlessing` at the next start. Repeating it changes nothing.
 *
 * Throws `blessing-refused` where the pointer file is malformed: what it forgot cannot be made up.
 */
export async function blessBaseline(
  world: { readonly directory: string; readonly db: JarvisDatabase },
  blessed: BlessedRelease,
): Promise<BaselinePointer> {
  const pointer = moveBaseline(world.directory, blessed);
  await recordBlessing(world.db, pointer);
  return pointer;
}

/** The first half of a blessing, which needs no database: the pointer file. */
export function moveBaseline(directory: string, blessed: BlessedRelease): BaselinePointer {
  const reading = readBaseline(directory);
  if (!reading.known && reading.problem === "malformed") {
    throw new SelfExtensionError(
      "blessing-refused",
      `The baseline pointer cannot be read, so no release is blessed: ${reading.detail}`,
    );
  }
  const before = reading.known ? reading.value : null;
  const after = withBlessed(before, blessed);
  if (after !== before) writeBaseline(directory, after);
  return after;
}

/** The second half: ledger and database say what the pointer file says. Repeating it changes nothing. */
export async function recordBlessing(db: JarvisDatabase, pointer: BaselinePointer): Promise<void> {
  await db.transaction(async (tx) => {
    const [first] = await readRunEvents(tx, pointer.current.runId);
    for (const event of blessingEvents(pointer, first)) await appendSelfExtensionEvent(tx, event);
    await mirrorBaseline(tx, pointer);
  });
}

/** The second half where it was kept from being said, or from being said whole. Else nothing. */
export async function finishBlessing(db: JarvisDatabase, pointer: BaselinePointer): Promise<void> {
  const { runId } = pointer.current;
  const { status } = foldRun(runId, await readRunEvents(db, runId));
  if (beforeBlessing.has(status)) await recordBlessing(db, pointer);
}

const beforeBlessing: ReadonlySet<RunState["status"]> = new Set<RunState["status"]>([
  "watched",
  "window-passed",
  "attested",
]);

/**
 * The events of a blessing, from the pointer alone: for the ledger, or for the journal when the
 * database is down. `first` is the run's first event, whose context they carry on.
 */
export function blessingEvents(
  pointer: BaselinePointer,
  first: LifecycleEvent | undefined,
): readonly NewLifecycleEvent[] {
  const { current, earlier } = pointer;
  const context = { ...(first?.context ?? kernelContext(current.runId)), ...byTheSystem };
  const blessed: NewLifecycleEvent = {
    context,
    type: "baseline_blessed",
    stage: "bless",
    idempotencyKey: `blessed:${current.releaseDigest}`,
    payload: {
      releaseDigest: current.releaseDigest,
      sha: current.sha,
      treeSha: current.treeSha,
      previousReleaseDigest: earlier[0]?.releaseDigest ?? null,
      occurredAt: current.blessedAt,
    },
  };
  if (current.window === null) return [blessed];
  return [
    {
      context,
      type: "health_window_passed",
      stage: "health",
      idempotencyKey: `window-passed:${current.window.number}`,
      payload: {
        window: current.window.number,
        releaseDigest: current.releaseDigest,
        facts: current.window.facts,
        occurredAt: current.blessedAt,
      },
    },
    blessed,
  ];
}

const byTheSystem = { actorSource: "system", actor: "kernel" } as const;

/**
 * Runs whose health window, blessing or rollback has begun and not ended: what a kernel finishes
 * after a crash. They are ended for the pipeline, so `openRuns` does not answer them.
 */
export async function unsettledRuns(db: JarvisDatabase): Promise<RunState[]> {
  const { runId, eventType } = selfExtensionEvents;
  const rows = await db
    .selectDistinct({ runId })
    .from(selfExtensionEvents)
    .where(
      // The last event of a run says where it stands; windows and rollbacks begin with these.
      sql`${eventType} in ('health_window_started', 'rollback_started')
        and not exists (
          select 1 from ${selfExtensionEvents} as later
          where later.run_id = ${runId} and later.seq > ${selfExtensionEvents.seq}
            and later.event_type in ('baseline_blessed', 'rolled_back', 'rollback_failed')
        )`,
    );
  const states: RunState[] = [];
  for (const row of rows.toSorted((a, b) => (a.runId < b.runId ? -1 : 1))) {
    const state = foldRun(row.runId, await readRunEvents(db, row.runId));
    if (isUnsettled(state.status)) states.push(state);
  }
  return states;
}
