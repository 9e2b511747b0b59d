import type { BuildStage, Stage, TestStage } from "../guard-config.ts";
import type { PipelineWorld } from "../pipeline-world.ts";
import type { StageFailure } from "../stage-words.ts";
import type { Staged } from "../staged-change.ts";
import { runBuildStage } from "./build-stage.ts";
import { buildStore, type BuildStore } from "./build-store.ts";
import { inventoryStore } from "./inventory.ts";
import { judgeRun, passedNames, type Inventory } from "./judge-tests.ts";
import { runTests, type TestTools } from "./run-tests.ts";
import type { OutputDirectory, RunInSandbox, StageWorld } from "./stage-world.ts";

type BaseBuild = { readonly outputs: OutputDirectory[] } | { readonly failure: StageFailure };

/** What the verification that asks has to give: room and workspaces of its own. */
export interface BaseExamSession {
  tools(name: string, stage: Stage): Promise<TestTools>;
  /** The sandbox, with the stage that it is used for. */
  runOf(stage: Stage): RunInSandbox;
  workspace(tree: string, outputs: readonly OutputDirectory[]): Promise<StageWorld>;
  outputRoot(name: string): string;
  readonly signal: AbortSignal;
}

/** What is known about the base: what passed on it and what it builds; made once and kept. */
export class BaseExam {
  readonly #world: PipelineWorld;
  readonly #change: Staged;
  readonly #session: BaseExamSession;
  readonly #store: BuildStore;
  #built: Promise<BaseBuild> | undefined;

  constructor(world: PipelineWorld, change: Staged, session: BaseExamSession) {
    this.#world = world;
    this.#change = change;
    this.#session = session;
    this.#store = buildStore(world.directories.builds);
  }

  /** Recorded once per base tree, in the same sandbox; a failure where the base itself does not pass. */
  async inventory(
    stage: TestStage,
    testFiles: readonly string[],
  ): Promise<{ names: Inventory } | { failure: StageFailure }> {
    const store = inventoryStore(this.#world.directories.inventory);
    const { baseTree, runId } = this.#change;
    const known = await store.read(baseTree, stage);
    if (known !== null) return { names: known };
    if (testFiles.length === 0) return { names: [] };
    this.#world.progress(runId, `verify: ${stage.name} on the base, once`);
    const built = await this.#buildBase();
    if ("failure" in built) return built;
    const world = await this.#session.workspace(baseTree, built.outputs);
    const run = await runTests(stage, world, testFiles, {
      ...(await this.#session.tools(`base-${stage.name}`, stage)),
      label: "inventory",
    });
    const failure = judgeRun(run, []);
    if (failure !== null) return { failure };
    const names = passedNames(run).sort();
    await store.write(baseTree, stage, names);
    return { names };
  }

  /**
   * Lets an incremental compiler begin where the base's build ended. Not where the change removes a
   * file: what was built from it would stay behind.
   */
  async beginFrom(stage: BuildStage, outputs: readonly OutputDirectory[]): Promise<void> {
    if (stage.bookkeeping === undefined) return;
    if (this.#change.changes.some(({ newMode }) => newMode === null)) return;
    const { baseTree, runId } = this.#change;
    if (await this.#store.layOut(baseTree, stage, outputs)) return;
    this.#world.progress(runId, `verify: ${stage.name} of the base, once`);
    if ("failure" in (await this.#buildBase())) return;
    await this.#store.layOut(baseTree, stage, outputs);
  }

  /** The base with what it builds, to run its program. */
  async program(): Promise<{ world: StageWorld } | { failure: StageFailure }> {
    const built = await this.#buildBase();
    if ("failure" in built) return built;
    return { world: await this.#session.workspace(this.#change.baseTree, built.outputs) };
  }

  /** The base's own build, for what runs on built output of the base; made once, whoever asks. */
  async #buildBase(): Promise<BaseBuild> {
    this.#built ??= this.#build();
    return await this.#built;
  }

  async #build(): Promise<BaseBuild> {
    const { baseTree, config } = this.#change;
    const outputs: OutputDirectory[] = [];
    for (const stage of config.stages) {
      if (stage.kind !== "build") continue;
      const world = await this.#session.workspace(baseTree, outputs);
      const built = await runBuildStage(stage, world, {
        run: this.#session.runOf(stage),
        outputRoot: this.#session.outputRoot(`base-out-${stage.name}`),
        signal: this.#session.signal,
      });
      if (built.diagnostics.status !== "passed") {
        const { category, reason } = built.diagnostics;
        return {
          failure: { category: category ?? "exit-code", reason: `${stage.name}: ${reason ?? ""}` },
        };
      }
      if (stage.bookkeeping !== undefined) {
        await this.#store.keep(baseTree, stage, built.outputs);
      }
      outputs.push(...built.outputs);
    }
    return { outputs };
  }
}
