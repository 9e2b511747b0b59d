import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { databaseDirectory, openStateDirectory, type DatabaseHandle } from "@jarvis/db";
import {
  forgetRepository,
  openMirror,
  PIPELINE_PROTOCOL,
  registerPipeline,
  restorePointers,
  type Pipeline,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import { sql } from "drizzle-orm";
import type { KernelConfig } from "../config.ts";
import type { KernelActions } from "./actions.ts";
import { connectRepositoryHost, type Connection } from "./connect.ts";
import { readBaseAhead, watchBase } from "./base-watch.ts";
import { watchDatabase } from "./database-watch.ts";
import { attestFirstBase, seedUndo } from "./first-base.ts";
import type { GoalKeeper } from "./goals/goal-keeper.ts";
import { AtWork } from "./goals/at-work.ts";
import { goalActions, startGoals } from "./goals/start-goals.ts";
import { keepLedger, type LedgerKeeper } from "./ledger/ledger-keeper.ts";
import { inspectRepository, type GuardedRepository } from "./guarded-repository.ts";
import { openModel } from "./model/open-model.ts";
import { executorOf, resumeRunsOfOthers } from "./leadership/resume-runs.ts";
import { standbyKernel, type Standby } from "./leadership/standby-kernel.ts";
import { takeLead } from "./leadership/take-lead.ts";
import { KernelMove } from "./move/kernel-move.ts";
import { operatorOrders, type OperatorOrders } from "./operator-orders.ts";
import { Progress } from "./progress.ts";
import { keepPromotions, type PromotionKeeper } from "./promotion-keeper.ts";
import { startReconciler } from "./reconciler.ts";
import { keepRoom, type RoomKeeper } from "./room/room-keeper.ts";
import { RollbackJobs } from "./serving/rollback-action.ts";
import { startServing, type Serving } from "./serving/serving.ts";
import { hideFromGit, lockForKernel } from "./state-lock.ts";
import { startWork } from "./work.ts";

/** A promotion that is under way gets so long to end at a stop. */
const LANDING_MS = 5000;
/** What still asks a database that is gone gets so long. */
const LOST_MS = 500;

/** Whom a kernel tells that it has to end. */
export interface KernelEnds {
  /** Something that it cannot do without has gone for good. */
  readonly onLost: (error: Error) => void;
  /** The next one is to be started in its place. */
  readonly onMove: () => void;
}

/** What happens while another kernel leads. */
export interface KernelWaits {
  readonly onStandby: (standby: Standby) => Promise<void>;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

export interface Kernel extends OperatorOrders {
  readonly config: KernelConfig;
  readonly repository: GuardedRepository;
  readonly connection: Connection;
  readonly database: DatabaseHandle;
  readonly world: PipelineWorld;
  readonly pipeline: Pipeline;
  readonly progress: Progress;
  readonly actions: KernelActions;
  readonly serving: Serving;
  readonly move: KernelMove;
  readonly goals: GoalKeeper;
  readonly ledger: Pick<LedgerKeeper, "status" | "verify">;
  readonly room: Pick<RoomKeeper, "look">;
  readonly promotions: Pick<PromotionKeeper, "fence">;
  /** Says where this kernel answers, to those that stand by. */
  readonly answersAt: (url: string) => void;
  stop(): Promise<void>;
}

/**
 * Makes the kernel: lock, database, mirror, repository host, pipeline, in this order, so that a
 * second kernel is refused before it touches anything. Everything is made here and passed on. On a
 * database that others share this may take as long as another kernel leads.
 */
export async function startKernel(
  config: KernelConfig,
  { onLost, onMove }: KernelEnds,
  waits: KernelWaits,
): Promise<Kernel> {
  const statePath = await realpath(config.stateDir).catch(() => config.stateDir);
  const repository = await inspectRepository(config.repo, statePath);
  const stateDirectory = openStateDirectory(config.stateDir);
  const lock = await lockForKernel(stateDirectory);
  const opened: (() => Promise<unknown>)[] = [async () => lock.release()];
  try {
    if (stateDirectory !== repository.directory) hideFromGit(stateDirectory);
    const progress = new Progress();
    const room = keepRoom(
      { floorBytes: config.freeSpaceBytes, directories: [stateDirectory] },
      (error) => progress.problem(error),
    );
    opened.push(async () => await Promise.resolve(room.stop()));
    // Before the database: on a full disk it comes up with what is kept back for it, or not at all.
    await room.look();
    const move = new KernelMove({
      launcher: config.launcher,
      repository: repository.directory,
      releases: join(config.stateDir, "releases"),
      onMove,
      onProblem: (error) => progress.problem(error),
    });
    const { database, leadership, isTakenOver, waitedWith } = await takeLead({
      config,
      stateDirectory,
      onWaiting: async (waiting) =>
        await waits.onStandby(standbyKernel({ config, repository, progress, room, move }, waiting)),
      onProblem: (error) => progress.problem(error),
      onLost,
      signal: waits.signal,
    });
    let isDatabaseLost = false;
    opened.push(
      async () =>
        await database.close({ stopServer: true, ...(isDatabaseLost && { patienceSeconds: 0.5 }) }),
    );
    opened.push(async () => await leadership?.release());
    opened.push(async () => await waitedWith?.close());
    const cluster = databaseDirectory(stateDirectory);
    if (cluster !== null && database.server === "embedded") room.watch(cluster);
    const mirror = await openMirror(join(config.stateDir, "mirror.git"));
    const undoSeed = seedUndo(config.stateDir);
    const connection = await connectRepositoryHost(
      config,
      database.db,
      repository,
      onLost,
      leadership === null ? null : async () => await leadership.confirm(),
    );
    opened.push(async () => await connection.forge?.stop());
    // A forge that was made from what turned out to be no base must not be found at the next start.
    const undo = async (error: unknown): Promise<never> => {
      await connection.forge?.stop();
      // The next one is another repository, which nobody replaced.
      if (undoSeed().undone && connection.kind === "forge") await forgetRepository(database.db);
      throw error;
    };
    const model = config.model === null ? null : openModel(config.model, database.db);
    const ledger = await keepLedger({
      database,
      stateDirectory,
      takesOver: isTakenOver,
      onProblem: (error) => progress.problem(error),
    });
    // It seals what it is at; without a database nothing of that will come to an end.
    opened.push(
      async () =>
        await (isDatabaseLost
          ? Promise.race([ledger.stop().catch(() => undefined), sleep(LOST_MS)])
          : ledger.stop()),
    );
    let serving: Serving | null = null;
    const atWork = new AtWork();
    const rollbacks = new RollbackJobs();
    const work = await startWork({
      config,
      database,
      mirror,
      connection,
      progress,
      body: () => serving?.life?.serving?.keeper ?? null,
      rollbacks,
      move,
      room: async () => await room.look(),
      ledger,
      goalActions: (of) =>
        goalActions({ config: config.model, model, world: of, pipeline: () => pipeline, atWork }),
      // Until what serves is known it may be one that is watched.
      unblessed: async () =>
        serving === null ? "what Jarvis starts with" : ((await serving.life?.unblessed()) ?? null),
    }).catch(undo);
    const { world, actions } = work;
    opened.push(async () => await actions.stop());
    await attestFirstBase(world).catch(undo);
    const pipeline = registerPipeline(() => world);
    DBOS.setConfig({
      name: "jarvis",
      systemDatabaseUrl: database.runtimeUrl,
      applicationVersion: PIPELINE_PROTOCOL,
      executorID: executorOf(leadership?.epoch ?? null),
      logLevel: "error",
    });
    await DBOS.launch();
    if (leadership !== null) await resumeRunsOfOthers(executorOf(leadership.epoch));

    const reconciler = startReconciler(world, pipeline, {
      tidy: async () => await actions.tidy(),
      onProblem: (error) => progress.problem(error),
    });
    await ledger.watch({ mirror, github: () => connection.target, kind: connection.kind });
    await reconciler.now();
    await move.recordLeftOut(actions.executor);
    const baseWatch = watchBase(world, connection.kind, (error) => progress.problem(error));
    const promotions = await keepPromotions(world, connection.kind, (error) =>
      progress.problem(error),
    );
    // A directory that another kernel did not lead with knows nothing of what it blessed.
    if (isTakenOver) await restorePointers(world.directories.releases, database.db);
    serving = await startServing({
      world,
      actions,
      pipeline,
      rollbacks,
      move,
      stateDir: config.stateDir,
      reconcile: async () => await reconciler.now(),
      onProblem: (error) => progress.problem(error),
    });
    const served = serving;
    await reconciler.now();
    const goals = await startGoals({
      world,
      actions,
      pipeline,
      config: config.model,
      model,
      serving: served,
      atWork,
      onProblem: (error) => progress.problem(error),
    });
    const ping = async (): Promise<unknown> => await database.db.execute(sql`select 1`);
    const watch = watchDatabase({ server: database.server, ping }, (error) => {
      isDatabaseLost = true;
      onLost(error);
    });
    // Beside what follows. Whoever needs it reads it again where this fails, and is told why.
    readBaseAhead(world).catch(() => undefined);

    return {
      config,
      repository,
      connection,
      database,
      world,
      pipeline,
      progress,
      actions: {
        executor: actions.executor,
        registry: actions.registry,
        safety: actions.safety,
        sessions: actions.sessions,
        async runApproved(proposalId, token) {
          const outcome = await actions.runApproved(proposalId, token);
          // What was released goes on at once.
          if (outcome.outcome === "completed") await reconciler.now();
          return outcome;
        },
      },
      serving: served,
      move,
      goals,
      ledger,
      room,
      answersAt: (url) => leadership?.answersAt(url),
      promotions,
      ...operatorOrders({
        world,
        safety: actions.safety,
        promotions,
        ledger,
        async kill(change) {
          model?.stop();
          return await actions.kill(change);
        },
        goOn: async () => await reconciler.now(),
      }),
      async stop() {
        reconciler.stop();
        baseWatch.stop();
        goals.stop();
        promotions.stop();
        watch.stop();
        await served.stop();
        await work.stop();
        // A landing is let end; any other step is done again at the next start and is not waited for.
        const drainMs = progress.promoting().length > 0 ? LANDING_MS : 0;
        await Promise.race([
          DBOS.shutdown({ workflowCompletionTimeoutMS: drainMs }),
          new Promise((resolve) => setTimeout(resolve, drainMs + 2000)),
        ]);
        await closeAll(opened);
      },
    };
  } catch (error) {
    await closeAll(opened).catch(() => undefined);
    throw error;
  }
}

/** Closes in reverse order; one that fails does not keep the others open. */
async function closeAll(opened: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of opened.toReversed()) {
    await close().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) {
    const [first] = failures;
    const why = first instanceof Error ? first.message : "unknown problem";
    throw new Error(`The kernel could not stop in order: ${why}`, { cause: first });
  }
}
