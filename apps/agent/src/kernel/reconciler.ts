import { readSafetyState } from "@jarvis/operator-core";
import { HostLine, waitsForHost } from "./host-line.ts";
import {
  getPromotionControlState,
  hostReadyAt,
  mayContinue,
  openRuns,
  reconcileRuns,
  settleReleases,
  hostAnswers,
  type Pipeline,
  type PipelineWorld,
  type RunState,
} from "@jarvis/tools/self-extension";

/** How often parked and forgotten runs are looked for. */
const EVERY_MS = 1000;

export interface Reconciler {
  /** Looks for runs to continue now; what changed before the call is seen. */
  now(): Promise<void>;
  stop(): void;
}

/** Continues what a crash, a turned switch or a person's decision has left, one look at a time. */
export function startReconciler(
  world: Pick<PipelineWorld, "db" | "github" | "actions" | "unblessed" | "room">,
  pipeline: Pick<Pipeline, "start">,
  options: { readonly tidy: () => Promise<void>; readonly onProblem: (error: unknown) => void },
): Reconciler {
  const { db } = world;
  const line = new HostLine(async () => await hostAnswers(world));
  async function look(): Promise<void> {
    await options.tidy();
    const runs = await openRuns(db);
    if (runs.length === 0) return;
    const { paused } = await getPromotionControlState(db);
    const { mode } = await readSafetyState(db);
    const isWatching = (await world.unblessed()) !== null;
    const isRoomLow = (await world.room()).level !== "enough";
    const readyAt = await hostReadyAt(db);
    const now = new Date();
    const due = (run: RunState): boolean =>
      mayContinue(run, {
        paused,
        mode,
        isWatching,
        hostReadyAt: readyAt,
        isRoomLow,
        now,
        parkedAt: new Date(run.updatedAt ?? now),
      });
    const turn = line.turn(runs, due);
    await reconcileRuns(pipeline, runs, (run) =>
      waitsForHost(run) ? run.runId === turn : due(run),
    );
    await settleReleases(world, pipeline, runs, mode);
  }

  const only = oneAtATime(look);
  const timer = setInterval(() => {
    // A look that takes longer than a turn is not joined by a second one.
    if (!only.busy()) only.run().catch(options.onProblem);
  }, EVERY_MS);
  timer.unref();
  return { now: async () => await only.run(), stop: () => clearInterval(timer) };
}

/**
 * Runs `work` once at a time. A call during a run gets a run of its own after it, shared with whoever
 * calls meanwhile: the one under way may have read too early.
 */
export function oneAtATime(work: () => Promise<void>): {
  run(): Promise<void>;
  busy(): boolean;
} {
  let current: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const begin = async (): Promise<void> => {
    try {
      await work();
    } finally {
      // Whoever calls before the next one has begun joins that.
      if (next === null) current = null;
    }
  };
  return {
    busy: () => current !== null,
    run() {
      if (current === null) return (current = begin());
      next ??= current
        .catch(() => undefined)
        .then(() => {
          next = null;
          return (current = begin());
        });
      return next;
    },
  };
}
