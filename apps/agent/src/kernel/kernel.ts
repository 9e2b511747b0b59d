import type { DatabaseHandle } from "@jarvis/db";
import { restorePointers, type Pipeline, type PipelineWorld } from "@jarvis/tools/self-extension";
import { sql } from "drizzle-orm";
import type { KernelConfig } from "../config.ts";
import type { ActionSystem, KernelActions } from "./actions.ts";
import { readBaseAhead, watchBase } from "./base-watch.ts";
import type { Connection } from "./connect.ts";
import { watchDatabase } from "./database-watch.ts";
import type { GoalKeeper } from "./goals/goal-keeper.ts";
import { startGoals } from "./goals/start-goals.ts";
import { layGround, type Ground, type KernelEnds, type KernelWaits } from "./ground.ts";
import type { GuardedRepository } from "./guarded-repository.ts";
import { startJudging, type Judging } from "./judging.ts";
import type { LedgerKeeper } from "./ledger/ledger-keeper.ts";
import type { KernelMove } from "./move/kernel-move.ts";
import { operatorOrders, type OperatorOrders } from "./operator-orders.ts";
import type { Progress } from "./progress.ts";
import { keepPromotions, type PromotionKeeper } from "./promotion-keeper.ts";
import { startReconciler } from "./reconciler.ts";
import type { RoomKeeper } from "./room/room-keeper.ts";
import { startServing, type Serving } from "./serving/serving.ts";
import { Started } from "./started.ts";

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
 * Makes the kernel: what it stands on, what judges, what watches, what serves, in this order. Everything
 * is made here and passed on. A start that fails half way leaves nothing running.
 */
export async function startKernel(
  config: KernelConfig,
  ends: KernelEnds,
  waits: KernelWaits,
): Promise<Kernel> {
  const started = new Started();
  try {
    const ground = await layGround(config, ends, waits, started);
    let known: Serving | null = null;
    const judging = await startJudging(ground, () => known, started);
    const { promotions, lookAgain } = await startWatching(ground, judging, started);
    const serving = await serveReleases(ground, judging, lookAgain, started);
    known = serving;
    await lookAgain();
    const goals = await pursueGoals(ground, judging, serving, started);
    watchForLoss(ground, ends, started);
    // Beside what follows. Whoever needs it reads it again where this fails, and is told why.
    readBaseAhead(judging.world).catch(() => undefined);
    const { repository, connection, database, progress, move, ledger, room } = ground;
    const { world, pipeline, actions, model } = judging;
    return {
      config,
      repository,
      connection,
      database,
      world,
      pipeline,
      progress,
      actions: approvable(actions, lookAgain),
      serving,
      move,
      goals,
      ledger,
      room,
      answersAt: (url) => ground.leadership?.answersAt(url),
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
        goOn: lookAgain,
      }),
      stop: async () => await started.stop(),
    };
  } catch (error) {
    // The first cause is the one to tell.
    await started.stop().catch(() => undefined);
    throw error;
  }
}

/** Goes on with what was left, and looks at base, host and ledger from here on. */
async function startWatching(
  { connection, progress, ledger, mirror, move, isTakenOver, database }: Ground,
  { world, pipeline, actions }: Judging,
  started: Started,
): Promise<{ promotions: PromotionKeeper; lookAgain: () => Promise<void> }> {
  const onProblem = (error: unknown): void => progress.problem(error);
  const reconciler = startReconciler(world, pipeline, {
    tidy: async () => await actions.tidy(),
    onProblem,
  });
  started.add(() => reconciler.stop());
  await ledger.watch({ mirror, github: () => connection.target, kind: connection.kind });
  await reconciler.now();
  await move.recordLeftOut(actions.executor);
  const baseWatch = watchBase(world, connection.kind, onProblem);
  started.add(() => baseWatch.stop());
  const promotions = await keepPromotions(world, connection.kind, onProblem);
  started.add(() => promotions.stop());
  // A directory that another kernel did not lead with knows nothing of what it blessed.
  if (isTakenOver) await restorePointers(world.directories.releases, database.db);
  return { promotions, lookAgain: async () => await reconciler.now() };
}

async function serveReleases(
  { config, move, progress }: Ground,
  { world, actions, pipeline, rollbacks }: Judging,
  reconcile: () => Promise<void>,
  started: Started,
): Promise<Serving> {
  const serving = await startServing({
    world,
    actions,
    pipeline,
    rollbacks,
    move,
    stateDir: config.stateDir,
    reconcile,
    onProblem: (error) => progress.problem(error),
  });
  started.add(async () => await serving.stop());
  return serving;
}

async function pursueGoals(
  { config, progress }: Ground,
  { world, actions, pipeline, model, atWork }: Judging,
  serving: Serving,
  started: Started,
): Promise<GoalKeeper> {
  const goals = await startGoals({
    world,
    actions,
    pipeline,
    config: config.model,
    model,
    serving,
    atWork,
    onProblem: (error) => progress.problem(error),
  });
  started.add(() => goals.stop());
  return goals;
}

function watchForLoss(
  { database, databaseLost }: Ground,
  { onLost }: Pick<KernelEnds, "onLost">,
  started: Started,
): void {
  const ping = async (): Promise<unknown> => await database.db.execute(sql`select 1`);
  const watch = watchDatabase({ server: database.server, ping }, (error) => {
    databaseLost();
    onLost(error);
  });
  started.add(() => watch.stop());
}

/** The actions as whoever has one approved sees them: what was released goes on at once. */
function approvable(actions: ActionSystem, lookAgain: () => Promise<void>): KernelActions {
  const { executor, registry, safety, sessions } = actions;
  return {
    executor,
    registry,
    safety,
    sessions,
    async runApproved(proposalId, token) {
      const outcome = await actions.runApproved(proposalId, token);
      if (outcome.outcome === "completed") await lookAgain();
      return outcome;
    },
  };
}
