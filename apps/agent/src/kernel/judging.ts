import { join } from "node:path";
import { forgetRepository, registerPipeline, type Pipeline } from "@jarvis/tools/self-extension";
import { attestFirstBase } from "./first-base.ts";
import { AtWork } from "./goals/at-work.ts";
import { goalActions } from "./goals/start-goals.ts";
import type { Ground } from "./ground.ts";
import { openModel, type Model } from "./model/open-model.ts";
import { RollbackJobs } from "./serving/rollback-action.ts";
import type { Serving } from "./serving/serving.ts";
import type { Started } from "./started.ts";
import { startWork, type Work } from "./work.ts";
import { launchWorkflowEngine, stopWorkflowEngine } from "./workflow-engine.ts";

/** What judges changes and executes actions. */
export interface Judging extends Pick<Work, "world" | "actions"> {
  readonly pipeline: Pipeline;
  readonly model: Model | null;
  readonly atWork: AtWork;
  readonly rollbacks: RollbackJobs;
}

/** Executor, pipeline and the engine of its workflows, on a base that is attested. */
export async function startJudging(
  ground: Ground,
  /** Null until it is known what serves. */
  serving: () => Serving | null,
  started: Started,
): Promise<Judging> {
  const { config, database, mirror, connection, progress, room, move, ledger } = ground;
  const model = config.model === null ? null : openModel(config.model, database.db);
  const atWork = new AtWork();
  const rollbacks = new RollbackJobs();
  const undo = async (error: unknown): Promise<never> => await undoSeed(ground, error);
  const work = await startWork({
    config,
    database,
    mirror,
    connection,
    progress,
    body: () => serving()?.life?.serving?.keeper ?? null,
    rollbacks,
    move,
    room: async () => await room.look(),
    ledger,
    goalActions: (world) =>
      goalActions({ config: config.model, model, world, pipeline: () => pipeline, atWork }),
    // Until what serves is known it may be one that is watched.
    unblessed: async () => {
      const known = serving();
      return known === null ? "what Jarvis starts with" : ((await known.life?.unblessed()) ?? null);
    },
  }).catch(undo);
  const { world, actions } = work;
  started.add(async () => await actions.stop());
  const forge = connection.kind === "forge" ? join(config.stateDir, "forge") : null;
  await attestFirstBase(world, forge).catch(undo);
  const pipeline = registerPipeline(() => world);
  // Before it is launched: one that fails half way has begun to go on with runs.
  started.add(async () => await stopWorkflowEngine(ground));
  started.add(async () => await work.stop());
  await launchWorkflowEngine(ground);
  return { world, actions, pipeline, model, atWork, rollbacks };
}

/** A forge that was made from what turned out to be no base must not be found at the next start. */
async function undoSeed(
  { connection, database, takeSeedBack }: Ground,
  error: unknown,
): Promise<never> {
  await connection.forge?.stop();
  // The next one is another repository, which nobody replaced.
  if (takeSeedBack().undone && connection.kind === "forge") await forgetRepository(database.db);
  throw error;
}
