import { readFileSync } from "node:fs";
import { join } from "node:path";
import { discardState, startKernelProgram, until, type KernelProgram } from "./kernel-program.ts";
import { makeLiving } from "./living-project.ts";
import { plainProject, type TestRepository } from "./repository.ts";

/** A run as it is shown over HTTP. */
export interface RunDetail {
  readonly result: {
    readonly status: string;
    readonly rollbackRunId: string | null;
    readonly blockReasons: readonly string[];
  };
  readonly events: readonly {
    readonly type: string;
    readonly payload: Record<string, unknown>;
    readonly context: Record<string, unknown>;
  }[];
}

/** A project, and a kernel of its own that may execute. */
export interface KernelWorld {
  readonly repository: TestRepository;
  readonly stateDir: string;
  /** The program that runs, or ran last. */
  readonly kernel: KernelProgram;
  /** Starts the next kernel in the place of one that has ended, with the mode found there. */
  startAgain(): Promise<void>;
  setMode(mode: "observe" | "execute"): Promise<void>;
  run(runId: string): Promise<RunDetail>;
  /** Waits until a run has one of these statuses. */
  settled(runId: string, ...wanted: string[]): Promise<RunDetail>;
  /** The release that a pointer file names. */
  pointer(name: "serving" | "baseline"): { readonly releaseDigest: string; readonly sha: string };
  close(): Promise<void>;
}

export async function startKernelWorld(): Promise<KernelWorld> {
  return await startWith(plainProject());
}

/** The same where the project has a body, which is not waited for. */
export async function startLivingWorld(): Promise<KernelWorld> {
  const repository = plainProject();
  makeLiving(repository);
  return await startWith(repository);
}

async function startWith(repository: TestRepository): Promise<KernelWorld> {
  const stateDir = join(repository.directory, ".jarvis");
  const start = async (): Promise<KernelProgram> =>
    await startKernelProgram({ repo: repository.directory, stateDir });
  let kernel = await start();
  const world: KernelWorld = {
    repository,
    stateDir,
    get kernel() {
      return kernel;
    },
    async startAgain() {
      kernel = await start();
    },
    async setMode(mode) {
      await kernel.post("/api/mode", { mode, reason: "test" });
    },
    run: async (runId) => await kernel.get<RunDetail>(`/api/runs/${runId}`),
    async settled(runId, ...wanted) {
      return await until(async () => {
        // A revert is recorded a moment after the rollback that names it.
        const found = await world.run(runId).catch(() => null);
        return found !== null && wanted.includes(found.result.status) ? found : null;
      });
    },
    pointer(name) {
      const text = readFileSync(join(stateDir, "releases", `${name}.json`), "utf8");
      const value = JSON.parse(text) as Record<string, unknown>;
      return (value["current"] ?? value) as ReturnType<KernelWorld["pointer"]>;
    },
    async close() {
      await kernel.stop();
      await discardState(stateDir);
      repository.remove();
    },
  };
  await world.setMode("execute");
  return world;
}
