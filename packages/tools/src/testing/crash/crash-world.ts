import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { openDatabase, selfExtensionEvents, type DatabaseHandle } from "@jarvis/db";
import { eq } from "drizzle-orm";
import {
  getPromotionControlState,
  isThisProcess,
  mayContinue,
  openRuns,
  pipelineSteps,
  settleReleases,
  settleWorld,
  tendIntents,
  type Pipeline,
  type PipelineWorld,
} from "../../self-extension/index.ts";
import { pipelineWorkflow, reconcileRuns } from "../../self-extension/pipeline.ts";
import type { TestRepository } from "../git-repository.ts";
import {
  attestFirst,
  makeTestPlace,
  openTestWorld,
  type OpenedWorld,
  type TestPlace,
} from "../pipeline-world.ts";
import { databaseOf } from "./database-port.ts";
import { Life, lives } from "./life.ts";

/** A kernel of the test: what it works with, from its start to its end. */
interface Kernel extends OpenedWorld {
  readonly life: Life;
  readonly database: DatabaseHandle;
  readonly executorId: string;
  readonly start: Pipeline["start"];
}

/** What happens to one run, whoever it takes. */
export interface Course {
  /** Asks for the run. Asked again where the kernel died before it was recorded. */
  readonly begin: (world: PipelineWorld, start: Pipeline["start"]) => Promise<void>;
  /** What a person does where the run stands still; false where nothing is left to do. */
  readonly tend: (world: PipelineWorld) => Promise<boolean>;
}

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
    await attestFirst(kernel.world);
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
    rmSync(this.place.directory, { recursive: true, force: true });
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
        if (deaths > 0) await this.#recover(kernel);
        if ((await newRuns()).length === 0) await course.begin(kernel.world, kernel.start);
        while (await course.tend(kernel.world)) await reconcile(kernel.world, kernel.start);
        return true;
      });
      const isDone = await Promise.race([work, life.died.then(() => false)]);
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
    const opened = await openTestWorld({ directory, forge }, databaseOf(life, database.sql), {
      executorId,
      // As where one kernel at a time holds the state directory.
      holderState: (holder) => (isThisProcess(holder) ? "alive" : "dead"),
    });
    const { octokit } = opened.world.github;
    octokit.hook.wrap("request", async (request, options) => {
      const asked = `host ${options.method} ${pathOf(options.url)}`;
      return await life.ask(asked, async () => await request(options));
    });
    return { ...opened, life, database, executorId, start: this.#engineOf(life, opened.world) };
  }

  /** The promise of the engine: what it has kept of a step is not done again, anything else is. */
  #engineOf(life: Life, world: PipelineWorld): Pipeline["start"] {
    const steps = pipelineSteps(() => world);
    return async (runId, attempt) => {
      const id = `${runId}:${attempt}`;
      // Begun by this kernel or before it: whoever recovers goes on with it, and nobody else.
      if (this.#workflows.has(id)) return;
      await life.ask("engine begin", async () => {
        this.#workflows.set(id, false);
        return await Promise.resolve();
      });
      await this.#perform(life, world, steps, runId, attempt);
    };
  }

  async #perform(
    life: Life,
    world: PipelineWorld,
    steps: Pipeline["steps"],
    runId: string,
    attempt: number,
  ): Promise<void> {
    const id = `${runId}:${attempt}`;
    const keep = async (what: string, work: () => void): Promise<void> =>
      await life.ask(`engine ${what}`, async () => await Promise.resolve(work()));
    const workflow = pipelineWorkflow(() => world, steps, {
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
  async #recover({ life, world, executor, start }: Kernel): Promise<void> {
    await executor.recover({ dead: this.#dead });
    await tendIntents(settleWorld(world));
    const steps = pipelineSteps(() => world);
    for (const [id, isOver] of this.#workflows) {
      const [runId = "", attempt] = id.split(":");
      if (!isOver) await this.#perform(life, world, steps, runId, Number(attempt));
    }
    await reconcile(world, start);
  }

  /** What is left of a kernel that has ended, as the operating system and the server see it. */
  async #bury({ life, database, executor, executorId, sealer }: Kernel): Promise<void> {
    life.end();
    this.#dead.push(executorId);
    executor.close("killed");
    // Nobody answers it any more: it hears that it is to stop, and that is all.
    void sealer.stop();
    await database.sql.end({ timeout: 0 });
    const admin = this.place.database.openAdmin();
    // The kernels of a test are one process, and none of them is the one before.
    await admin`
      update promotion_intents
      set holder = jsonb_set(holder, '{instance}', to_jsonb(${randomUUID()}::text))
      where resolved_at is null
    `;
    await admin.end();
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
async function reconcile(world: PipelineWorld, start: Pipeline["start"]): Promise<void> {
  const runs = await openRuns(world.db);
  const { paused } = await getPromotionControlState(world.db);
  const now = new Date(Date.now() + LONG_AFTER_MS);
  await reconcileRuns({ start }, runs, (run) =>
    mayContinue(run, {
      paused,
      mode: "execute",
      isWatching: false,
      isRoomLow: false,
      hostReadyAt: null,
      now,
      parkedAt: new Date(run.updatedAt ?? now),
    }),
  );
  await settleReleases(world, { start }, runs, "execute");
}
