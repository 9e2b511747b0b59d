import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { removeTree } from "@jarvis/sandbox/testing";
import { openDatabase, selfExtensionEvents, type DatabaseHandle } from "@jarvis/db";
import { eq } from "drizzle-orm";
import { vi } from "vitest";
import type { Pipeline, PipelineWorld } from "../../self-extension/index.ts";
import type { TestRepository } from "../git-repository.ts";
import { makeTestPlace, type OpenedWorld, type TestPlace } from "../pipeline-world.ts";
import type * as kernelModules from "./kernel-modules.ts";
import { Life, lives } from "./life.ts";

/** What a kernel keeps in memory is gone with it: its modules are its own. */
export type KernelModules = typeof kernelModules;

/** A kernel of the test: what it works with, from its start to its end. */
export interface Kernel extends OpenedWorld {
  readonly modules: KernelModules;
  readonly life: Life;
  readonly database: DatabaseHandle;
  readonly executorId: string;
  readonly start: Pipeline["start"];
}

/** What happens to one run, whoever it takes. */
export interface Course {
  /** What a person does while each kernel works, from its start on. */
  readonly beside?: (kernel: Kernel) => void;
  /** Asks for the run. Asked again where the kernel died before it was recorded. */
  readonly begin: (kernel: Kernel) => Promise<void>;
  /** What a person does where the run stands still; false where nothing is left to do. */
  readonly tend: (kernel: Kernel) => Promise<boolean>;
}

/** A run takes a second or two where nobody else works on the machine. */
const PATIENCE_MS = 60_000;
const LONG_AFTER_MS = 3_600_000;

/**
 * A place in which one kernel after another works and is killed. All that one leaves to the next is
 * what lies in the database, on the host and on the disk, and what the workflow engine has kept.
 */
export class CrashWorld {
  readonly place: TestPlace;
  /** Workflows that were begun, and whether they have come to their end. */
  readonly #workflows = new Map<string, boolean>();
  readonly #results = new Map<string, unknown>();
  readonly #dead: string[] = [];

  private constructor(place: TestPlace) {
    this.place = place;
  }

  static async make(repository: TestRepository): Promise<CrashWorld> {
    const world = new CrashWorld(
      await makeTestPlace(repository, { rateLimits: { perHour: 1_000_000 } }),
    );
    const kernel = await world.#startKernel(new Life(null));
    await kernel.modules.attestFirst(kernel.world);
    await kernel.safety.setMode("execute", { reason: "test", actor: "test" });
    await world.#bury(kernel);
    return world;
  }

  /** The database, looked at from outside. */
  get db(): PipelineWorld["db"] {
    return this.place.database.db;
  }

  async close(): Promise<void> {
    await this.place.forge.close();
    await this.place.database.close();
    removeTree(this.place.directory);
  }

  /**
   * Takes one run to where nothing goes on by itself. The first kernel is killed at the first of
   * `kills`, the one that goes on at the second, and so on. Answers the run, and what the first one
   * that was killed at nothing has seen.
   */
  async run(
    course: Course,
    kills: readonly string[],
  ): Promise<{ runId: string; points: readonly string[]; deaths: number }> {
    const before = new Set(await this.#runIds());
    const newRuns = async (): Promise<string[]> =>
      (await this.#runIds()).filter((id) => !before.has(id));
    for (let deaths = 0; ; deaths += 1) {
      const life = new Life(kills[deaths] ?? null);
      const kernel = await this.#startKernel(life);
      const work = lives.run(life, async () => {
        course.beside?.(kernel);
        if (deaths > 0) await this.#recover(kernel);
        if ((await newRuns()).length === 0) await course.begin(kernel);
        while (await course.tend(kernel)) await reconcile(kernel);
        return true;
      });
      const late = new AbortController();
      const isDone = await Promise.race([
        work,
        life.died.then(() => false),
        sleep(PATIENCE_MS, "late" as const, { signal: late.signal }),
      ]);
      late.abort();
      if (isDone === "late") {
        await this.#bury(kernel);
        throw new Error(
          `kernel ${deaths + 1} stands still after ${life.points.at(-1) ?? "nothing"}`,
        );
      }
      const points = [...life.points];
      await this.#bury(kernel);
      if (!isDone) continue;
      const [runId, ...others] = await newRuns();
      if (runId === undefined || others.length > 0) {
        throw new Error(`${others.length + 1} runs came of one change`);
      }
      return { runId, points, deaths };
    }
  }

  async #startKernel(life: Life): Promise<Kernel> {
    const { directory, database: shared, forge } = this.place;
    const database = await openDatabase({ url: shared.runtimeUrl, stateDirectory: directory });
    // Opened all at once: one that is cut while it is opened is an error that nobody waits for.
    const { sql } = database;
    await Promise.all(Array.from({ length: sql.options.max }, async () => await sql`select 1`));
    const executorId = randomUUID();
    vi.resetModules();
    const modules = await import("./kernel-modules.ts");
    const db = modules.databaseOf(life, database.sql);
    const opened = await modules.openTestWorld({ directory, forge }, db, {
      executorId,
      // As where one kernel at a time holds the state directory.
      holderState: (holder) => (modules.isThisProcess(holder) ? "alive" : "dead"),
    });
    const { octokit } = opened.world.github;
    octokit.hook.wrap("request", async (request, options) => {
      const asked = `host ${options.method} ${pathOf(options.url)}`;
      return await life.ask(asked, async () => await request(options));
    });
    const start = this.#engineOf(life, modules, opened.world);
    return { ...opened, modules, life, database, executorId, start };
  }

  /** The promise of the engine: what it has kept of a step is not done again, anything else is. */
  #engineOf(life: Life, modules: KernelModules, world: PipelineWorld): Pipeline["start"] {
    const steps = modules.pipelineSteps(() => world);
    return async (runId, attempt) => {
      const id = `${runId}:${attempt}`;
      // Begun by this kernel or before it: whoever recovers goes on with it, and nobody else.
      if (this.#workflows.has(id)) return;
      await life.ask("engine begin", async () => {
        this.#workflows.set(id, false);
        return await Promise.resolve();
      });
      await this.#perform({ life, modules, world }, steps, runId, attempt);
    };
  }

  async #perform(
    { life, modules, world }: Pick<Kernel, "life" | "modules" | "world">,
    steps: Pipeline["steps"],
    runId: string,
    attempt: number,
  ): Promise<void> {
    const id = `${runId}:${attempt}`;
    const keep = async (what: string, work: () => void): Promise<void> =>
      await life.ask(`engine ${what}`, async () => await Promise.resolve(work()));
    const workflow = modules.pipelineWorkflow(() => world, steps, {
      runStep: async <T>(step: () => Promise<T>, name: string): Promise<T> => {
        const key = `${id}:${name}`;
        if (!this.#results.has(key)) {
          const result = JSON.stringify((await step()) ?? null);
          await keep("keep", () => void this.#results.set(key, JSON.parse(result)));
        }
        return this.#results.get(key) as T;
      },
    });
    await workflow(runId, attempt);
    await keep("end", () => void this.#workflows.set(id, true));
  }

  /** What a kernel does at its start, before anything else. */
  async #recover(kernel: Kernel): Promise<void> {
    const { executor, modules, world } = kernel;
    await executor.recover({ dead: this.#dead });
    await modules.tendIntents(modules.settleWorld(world));
    const steps = modules.pipelineSteps(() => world);
    for (const [id, isOver] of this.#workflows) {
      const [runId = "", attempt] = id.split(":");
      if (!isOver) await this.#perform(kernel, steps, runId, Number(attempt));
    }
    await reconcile(kernel);
  }

  /** What is left of a kernel that has ended, as the operating system and the server see it. */
  async #bury({ life, database, executor, executorId, sealer }: Kernel): Promise<void> {
    life.end();
    this.#dead.push(executorId);
    executor.close("killed");
    // Nobody answers it any more: it hears that it is to stop, and that is all.
    void sealer.stop();
    await database.sql.end({ timeout: 0 });
  }

  async #runIds(): Promise<string[]> {
    const { runId, eventType } = selfExtensionEvents;
    const rows = await this.db
      .selectDistinct({ runId })
      .from(selfExtensionEvents)
      .where(eq(eventType, "proposed"));
    return rows.map((row) => row.runId);
  }
}

/** A path by which the same request is known again in another run. */
function pathOf(url: string): string {
  return url
    .replace(/^https?:\/\/[^/]+\/api\/v3\/repos\/[^/]+\/[^/]+/, "")
    .replace("/repos/{owner}/{repo}", "")
    .replaceAll(/[0-9a-f]{40}/g, "*");
}

/** One look of the reconciler, long after whatever was to be waited for. */
async function reconcile({ modules, world, safety, start }: Kernel): Promise<void> {
  const runs = await modules.openRuns(world.db);
  const { paused } = await modules.getPromotionControlState(world.db);
  const mode = await safety.refresh();
  const now = new Date(Date.now() + LONG_AFTER_MS);
  await modules.reconcileRuns({ start }, runs, (run) =>
    modules.mayContinue(run, {
      paused,
      mode,
      isWatching: false,
      isRoomLow: false,
      hostReadyAt: null,
      now,
      parkedAt: new Date(run.updatedAt ?? now),
    }),
  );
  await modules.settleReleases(world, { start }, runs, mode);
}
