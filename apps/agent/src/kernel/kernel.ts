import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DBOS } from "@dbos-inc/dbos-sdk";
import {
  lockStateDirectory,
  openDatabase,
  openStateDirectory,
  type DatabaseHandle,
} from "@jarvis/db";
import { killSwitch, readSafetyState, setSafetyMode } from "@jarvis/operator-core";
import { checkSandbox, killAllSandboxes, runInSandbox } from "@jarvis/sandbox";
import {
  attest,
  fetchBranch,
  getPromotionControlState,
  lastSeenBase,
  mayContinue,
  openMirror,
  openRuns,
  PIPELINE_PROTOCOL,
  reconcileRuns,
  registerPipeline,
  rememberBase,
  setPromotionControlState,
  treeOf,
  type Pipeline,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import type { KernelConfig } from "../config.ts";
import { connectRepositoryHost, type Connection } from "./connect.ts";
import { inspectRepository, type GuardedRepository } from "./guarded-repository.ts";
import { Progress } from "./progress.ts";

/** How often parked and forgotten runs are looked for. */
const RECONCILE_MS = 1000;

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
  /** Looks for runs to continue now, without waiting for the next turn. */
  reconcile(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Makes the kernel: lock, database, mirror, repository host, pipeline, in this order, so that a
 * second kernel is refused before it touches anything. Everything is made here and passed on.
 */
export async function startKernel(config: KernelConfig): Promise<Kernel> {
  const repository = await inspectRepository(config.repo);
  const stateDirectory = openStateDirectory(config.stateDir);
  const lock = lockStateDirectory(stateDirectory, { pid: process.pid, what: "jarvis kernel" });
  const opened: (() => Promise<unknown>)[] = [async () => lock.release()];
  try {
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
    const connection = await connectRepositoryHost(config, repository);
    opened.push(async () => await connection.forge?.stop());
    const progress = new Progress();
    let interrupt = new AbortController();
    let stopping = false;
    const world: PipelineWorld = {
      db: database.db,
      mirror,
      github: connection.target,
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
    await attestFirstBase(world);
    const pipeline = registerPipeline(() => world);
    DBOS.setConfig({
      name: "jarvis",
      systemDatabaseUrl: database.runtimeUrl,
      applicationVersion: PIPELINE_PROTOCOL,
      executorID: "kernel",
      logLevel: "error",
    });
    await DBOS.launch();

    async function reconcile(): Promise<void> {
      const runs = await openRuns(database.db);
      if (runs.length === 0) return;
      const { paused } = await getPromotionControlState(database.db);
      const { mode } = await readSafetyState(database.db);
      const now = new Date();
      await reconcileRuns(pipeline, runs, (run) =>
        mayContinue(run, { paused, mode, now, parkedAt: new Date(run.updatedAt ?? now) }),
      );
    }

    const timer = setInterval(() => {
      reconcile().catch((error: unknown) => progress.problem(error));
    }, RECONCILE_MS);
    timer.unref();
    await reconcile();

    return {
      config,
      repository,
      connection,
      database,
      world,
      pipeline,
      progress,
      reconcile,
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
        if (!paused) await reconcile();
        const inFlight = paused ? progress.promoting() : [];
        return { paused, acknowledged: inFlight.length === 0, inFlight };
      },
      async setMode({ mode, reason, actor }) {
        const outcome = await setSafetyMode(database.db, { mode, reason, actor });
        // Somebody else changed the mode in between, perhaps by the kill switch: theirs stands.
        if (outcome.outcome === "conflict") return { mode: outcome.current.mode };
        if (mode === "execute") await reconcile();
        return { mode };
      },
      async accept(sha, actor) {
        const base = await fetchBase(world);
        const treeSha = await treeOf(mirror, sha);
        await attest(database.db, {
          sha,
          treeSha,
          by: "accepted",
          actor,
          reason: `accepted as ${sha}`,
        });
        if (sha === base) await rememberBase(database.db, base);
        await reconcile();
        return { treeSha };
      },
      async stop() {
        stopping = true;
        clearInterval(timer);
        interrupt.abort();
        await killAllSandboxes();
        // Steps under way hold no verdict and are taken up at the next start; they are not waited for.
        await Promise.race([DBOS.shutdown(), new Promise((resolve) => setTimeout(resolve, 2000))]);
        for (const close of opened.toReversed()) await close();
      },
    };
  } catch (error) {
    for (const close of opened.toReversed()) await close().catch(() => undefined);
    throw error;
  }
}

async function fetchBase(world: PipelineWorld): Promise<string> {
  return await fetchBranch(
    world.mirror,
    { url: world.github.gitUrl, authorization: world.github.gitAuthorization },
    world.github.baseBranch,
  );
}

/** The base that Jarvis starts with is attested by set-up: there is nothing earlier to judge it by. */
async function attestFirstBase(world: PipelineWorld): Promise<void> {
  if ((await lastSeenBase(world.db)) !== null) return;
  const sha = await fetchBase(world);
  await attest(world.db, {
    sha,
    treeSha: await treeOf(world.mirror, sha),
    by: "set-up",
    actor: "set-up",
    reason: "the first base that this installation saw",
  });
  await rememberBase(world.db, sha);
}
