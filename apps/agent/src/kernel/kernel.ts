import { mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { openDatabase, openStateDirectory, type DatabaseHandle } from "@jarvis/db";
import { killSwitch, setSafetyMode } from "@jarvis/operator-core";
import { checkSandbox, killAllSandboxes, runInSandbox } from "@jarvis/sandbox";
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
import { connectRepositoryHost, type Connection } from "./connect.ts";
import { watchBase } from "./base-watch.ts";
import { watchDatabase } from "./database-watch.ts";
import { attestFirstBase, fetchBase, seedUndo } from "./first-base.ts";
import { inspectRepository, type GuardedRepository } from "./guarded-repository.ts";
import { Progress } from "./progress.ts";
import { startReconciler } from "./reconciler.ts";
import { hideFromGit, lockForKernel } from "./state-lock.ts";

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
  /** Observe, then end every sandbox. Answers how many were ended. */
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
    const work = join(config.stateDir, "work");
    // Whatever a killed kernel left there belongs to verifications that start anew.
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true, mode: 0o700 });
    const mirror = await openMirror(join(config.stateDir, "mirror.git"));
    const undoSeed = seedUndo(config.stateDir);
    const connection = await connectRepositoryHost(config, repository, onLost);
    opened.push(async () => await connection.forge?.stop());
    const progress = new Progress();
    let interrupt = new AbortController();
    let stopping = false;
    const world: PipelineWorld = {
      db: database.db,
      mirror,
      get github() {
        return connection.target;
      },
      async run(request) {
        const result = await runInSandbox(request);
        // A stopping kernel leaves no verdict behind: the step stays open and is done again at start.
        if (stopping) return await new Promise(() => undefined);
        return result;
      },
      checkSandbox,
      packageManager: { env: config.packageManagerEnv, defaultPnpm: config.pnpm },
      directories: {
        work,
        dependencies: config.dependenciesDir ?? join(config.stateDir, "dependencies"),
        builds: join(config.stateDir, "builds"),
        inventory: join(config.stateDir, "inventory"),
      },
      signal: () => interrupt.signal,
      progress: (runId, what) => progress.note(runId, what),
      ended: (runId) => progress.forget(runId),
    };
    try {
      await attestFirstBase(world);
    } catch (error) {
      await connection.forge?.stop();
      undoSeed();
      throw error;
    }
    const pipeline = registerPipeline(() => world);
    DBOS.setConfig({
      name: "jarvis",
      systemDatabaseUrl: database.runtimeUrl,
      applicationVersion: PIPELINE_PROTOCOL,
      executorID: "kernel",
      logLevel: "error",
    });
    await DBOS.launch();

    const reconciler = startReconciler(database.db, pipeline, (error) => progress.problem(error));
    await reconciler.now();
    const baseWatch = watchBase(world, connection.kind, (error) => progress.problem(error));
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
      async kill({ reason, actor }) {
        const endSandboxes = async (): Promise<number> => {
          interrupt.abort();
          interrupt = new AbortController();
          return await killAllSandboxes();
        };
        return await killSwitch(database.db, { reason, actor }, { onKill: [endSandboxes] });
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
        const outcome = await setSafetyMode(database.db, { mode, reason, actor });
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
        stopping = true;
        reconciler.stop();
        baseWatch.stop();
        watch.stop();
        interrupt.abort();
        await killAllSandboxes();
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
