import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { openDatabase, openStateDirectory, type DatabaseHandle } from "@jarvis/db";
import {
  attest,
  hasCommit,
  openMirror,
  openRuns,
  PIPELINE_PROTOCOL,
  registerPipeline,
  rememberBase,
  setPromotionControlState,
  treeOf,
  type Pipeline,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import { sql } from "drizzle-orm";
import type { KernelConfig } from "../config.ts";
import type { KernelActions } from "./actions.ts";
import { connectRepositoryHost, type Connection } from "./connect.ts";
import { watchBase } from "./base-watch.ts";
import { watchDatabase } from "./database-watch.ts";
import { attestFirstBase, fetchBase, seedUndo } from "./first-base.ts";
import { inspectRepository, type GuardedRepository } from "./guarded-repository.ts";
import { Progress } from "./progress.ts";
import { startReconciler } from "./reconciler.ts";
import { RollbackJobs } from "./serving/rollback-action.ts";
import { startServing, type Serving } from "./serving/serving.ts";
import { hideFromGit, lockForKernel } from "./state-lock.ts";
import { startWork } from "./work.ts";

/** A promotion that is under way gets so long to end at a stop. */
const LANDING_MS = 5000;

/** An operator names a commit that the base does not know. */
export class CommitUnknown extends Error {
  override readonly name = "CommitUnknown";
}

export interface Kernel {
  readonly config: KernelConfig;
  readonly repository: GuardedRepository;
  readonly connection: Connection;
  readonly database: DatabaseHandle;
  readonly world: PipelineWorld;
  readonly pipeline: Pipeline;
  readonly progress: Progress;
  readonly actions: KernelActions;
  readonly serving: Serving;
  /** Observe, then end every action and sandbox. Answers how many were cancelled or ended. */
  kill(change: { reason: string; actor: string }): Promise<{ cancelledCount: number }>;
  pause(change: {
    paused: boolean;
    reason: string;
    actor: string;
  }): Promise<{ paused: boolean; acknowledged: boolean; inFlight: readonly string[] }>;
  setMode(change: {
    mode: "observe" | "execute";
    reason: string;
    actor: string;
  }): Promise<{ mode: "observe" | "execute" }>;
  accept(sha: string, actor: string): Promise<{ treeSha: string }>;
  stop(): Promise<void>;
}

/**
 * Makes the kernel: lock, database, mirror, repository host, pipeline, in this order, so that a
 * second kernel is refused before it touches anything. Everything is made here and passed on.
 * `onLost` is told when something that the kernel cannot do without has gone for good.
 */
export async function startKernel(
  config: KernelConfig,
  onLost: (error: Error) => void,
): Promise<Kernel> {
  const statePath = await realpath(config.stateDir).catch(() => config.stateDir);
  const repository = await inspectRepository(config.repo, statePath);
  const stateDirectory = openStateDirectory(config.stateDir);
  const lock = await lockForKernel(stateDirectory);
  const opened: (() => Promise<unknown>)[] = [async () => lock.release()];
  try {
    if (stateDirectory !== repository.directory) hideFromGit(stateDirectory);
    const database = await openDatabase({
      stateDirectory: config.stateDir,
      ...(config.databaseUrl === undefined ? {} : { url: config.databaseUrl }),
      ...(config.databaseAdminUrl === undefined ? {} : { adminUrl: config.databaseAdminUrl }),
    });
    opened.push(async () => await database.close({ stopServer: true }));
    const mirror = await openMirror(join(config.stateDir, "mirror.git"));
    const undoSeed = seedUndo(config.stateDir);
    const connection = await connectRepositoryHost(config, repository, onLost);
    opened.push(async () => await connection.forge?.stop());
    const progress = new Progress();
    // A forge that was made from what turned out to be no base must not be found at the next start.
    const undo = async (error: unknown): Promise<never> => {
      await connection.forge?.stop();
      undoSeed();
      throw error;
    };
    let serving: Serving | null = null;
    const rollbacks = new RollbackJobs();
    const work = await startWork({
      config,
      database,
      mirror,
      connection,
      progress,
      body: () => serving?.life?.serving?.keeper ?? null,
      rollbacks,
      unblessed: async () => (await serving?.life?.unblessed()) ?? null,
    }).catch(undo);
    const { world, actions } = work;
    opened.push(async () => await actions.stop());
    await attestFirstBase(world).catch(undo);
    const pipeline = registerPipeline(() => world);
    DBOS.setConfig({
      name: "jarvis",
      systemDatabaseUrl: database.runtimeUrl,
      applicationVersion: PIPELINE_PROTOCOL,
      executorID: "kernel",
      logLevel: "error",
    });
    await DBOS.launch();

    const reconciler = startReconciler(world, pipeline, {
      tidy: async () => await actions.tidy(),
      onProblem: (error) => progress.problem(error),
    });
    await reconciler.now();
    const baseWatch = watchBase(world, connection.kind, (error) => progress.problem(error));
    serving = await startServing({
      world,
      actions,
      pipeline,
      rollbacks,
      stateDir: config.stateDir,
      reconcile: async () => await reconciler.now(),
      onProblem: (error) => progress.problem(error),
    });
    const served = serving;
    const ping = async (): Promise<unknown> => await database.db.execute(sql`select 1`);
    const watch = watchDatabase({ server: database.server, ping }, onLost);

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
      async kill(change) {
        return { cancelledCount: await actions.kill(change) };
      },
      async pause({ paused, reason, actor }) {
        await setPromotionControlState(database.db, { paused, reason, updatedBy: actor });
        if (!paused) await reconciler.now();
        const promoting = paused ? progress.promoting() : [];
        // What has landed before this moment and only clears up cannot land any more.
        const open = new Set((await openRuns(database.db)).map((run) => run.runId));
        const inFlight = promoting.filter((runId) => open.has(runId));
        return { paused, acknowledged: inFlight.length === 0, inFlight };
      },
      async setMode({ mode, reason, actor }) {
        const outcome = await actions.safety.setMode(mode, { reason, actor });
        // Somebody else changed the mode in between, perhaps by the kill switch: theirs stands.
        if (outcome.outcome === "conflict") return { mode: outcome.current.mode };
        if (mode === "execute") await reconciler.now();
        return { mode };
      },
      async accept(sha, actor) {
        const base = await fetchBase(world);
        if (!(await hasCommit(mirror, sha))) {
          throw new CommitUnknown(
            `The base ${connection.target.baseBranch} at ${base} does not know the commit ${sha}; name one that it holds.`,
          );
        }
        const treeSha = await treeOf(mirror, sha);
        await attest(database.db, {
          sha,
          treeSha,
          by: "accepted",
          actor,
          reason: `accepted as ${sha}`,
        });
        if (sha === base) await rememberBase(database.db, base);
        await reconciler.now();
        return { treeSha };
      },
      async stop() {
        reconciler.stop();
        baseWatch.stop();
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
