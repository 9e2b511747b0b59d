import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { BuildStage, MigrationStage, SmokeStage, Stage, TestStage } from "../guard-config.ts";
import { isMigrationReleased } from "../migration-gate.ts";
import type { PipelineWorld } from "../pipeline-world.ts";
import { matcher } from "../protected-paths.ts";
import type { StageDiagnostics } from "../run-result.ts";
import type { StageFailure } from "../stage-words.ts";
import type { Staged } from "../staged-change.ts";
import { BaseExam } from "./base-exam.ts";
import { runBuildStage, runCheckStage } from "./build-stage.ts";
import type { Dependencies } from "./dependencies.ts";
import { inventoryStore, releasedFiles, stillDemanded, takenBack } from "./inventory.ts";
import { missingFrom, type Inventory } from "./judge-tests.ts";
import { MIGRATION_IRREVERSIBLE, runMigrationStage } from "./migration-stage.ts";
import type { TestTools } from "./run-tests.ts";
import { runSmokeStage } from "./smoke-stage.ts";
import { diagnose, type OutputDirectory, type RunInSandbox } from "./stage-world.ts";
import { judgeTestStage } from "./test-stage.ts";
import { Workspaces } from "./workspaces.ts";

/** Runs single stages of one verification, several at a time where they ask for it, and holds what they leave. */
export class StageRunner {
  readonly inventories = new Map<TestStage, Inventory>();
  readonly builds: { stage: BuildStage; outputs: readonly OutputDirectory[] }[] = [];
  /** Of the program that was built, by a process that never loads candidate code. */
  questionsAnswered = 0;
  readonly #world: PipelineWorld;
  readonly #change: Staged;
  readonly #scratch: string;
  readonly #workspaces: Workspaces;
  readonly #base: BaseExam;
  // One for the whole verification: a kill between two stages ends it as one in a stage does.
  readonly #signal: AbortSignal;
  #scratches = 0;

  constructor(world: PipelineWorld, change: Staged, dependencies: Dependencies, scratch: string) {
    this.#world = world;
    this.#change = change;
    this.#scratch = scratch;
    this.#signal = world.signal();
    this.#workspaces = new Workspaces({
      mirror: world.mirror,
      baseTree: change.baseTree,
      dependencies,
      scratch,
      keptDirectory: world.directories.files,
    });
    this.#base = new BaseExam(world, change, {
      runOf: (stage) => this.#runOf(stage),
      tools: async (name, stage) => await this.#tools(name, stage),
      workspace: async (tree, outputs) => await this.#workspaces.shared(tree, outputs),
      outputRoot: (name) => join(scratch, name),
      signal: this.#signal,
    });
  }

  async run(stage: Stage): Promise<StageDiagnostics> {
    switch (stage.kind) {
      case "build":
        return await this.#runBuildStage(stage);
      case "check": {
        const world = await this.#workspaces.shared(this.#change.treeSha, this.#outputs);
        return await runCheckStage(stage, world, { run: this.#runOf(stage), signal: this.#signal });
      }
      case "test":
        return await this.#runTestStage(stage);
      case "smoke":
        return await this.#runSmokeStage(stage);
      case "migration":
        return await this.#runMigrationStage(stage);
    }
  }

  async #runBuildStage(stage: BuildStage): Promise<StageDiagnostics> {
    const world = await this.#workspaces.shared(this.#change.treeSha, this.#outputs);
    const result = await runBuildStage(stage, world, {
      run: this.#runOf(stage),
      outputRoot: join(this.#scratch, `out-${this.builds.length}`),
      signal: this.#signal,
      prepare: async (outputs) => await this.#base.beginFrom(stage, outputs),
    });
    this.builds.push({ stage, outputs: result.outputs });
    return result.diagnostics;
  }

  async #runSmokeStage(stage: SmokeStage): Promise<StageDiagnostics> {
    const { treeSha, baseTree } = this.#change;
    const world = await this.#workspaces.shared(treeSha, this.#outputs);
    const facts = {
      mirror: this.#world.mirror,
      baseTree,
      basePaths: await this.#workspaces.pathsOf(baseTree),
      tree: treeSha,
      released: releasedFiles(this.#change),
    };
    const tools = { run: this.#runOf(stage), signal: this.#signal };
    const result = await runSmokeStage(stage, world, facts, tools);
    if (result.diagnostics.status === "passed") this.questionsAnswered += result.asked;
    return result.diagnostics;
  }

  async #runMigrationStage(stage: MigrationStage): Promise<StageDiagnostics> {
    const { treeSha, baseTree, approval } = this.#change;
    const program = await this.#base.program();
    if ("failure" in program) return baseFails(stage, program.failure);
    const tools = await this.#tools("migration", stage);
    const worlds = {
      base: program.world,
      candidate: await this.#workspaces.shared(treeSha, this.#outputs),
      mirror: this.#world.mirror,
      baseTree,
      tree: treeSha,
      released: releasedFiles(this.#change),
    };
    const data = join(tools.scratch, "data");
    const diagnostics = await runMigrationStage(stage, worlds, { ...tools, data });
    const isLetPass =
      diagnostics.category === MIGRATION_IRREVERSIBLE && isMigrationReleased(approval);
    // What it found stays in the evidence; a person has seen it and wants the change all the same.
    return isLetPass ? { ...diagnostics, status: "passed", category: null } : diagnostics;
  }

  async #runTestStage(stage: TestStage): Promise<StageDiagnostics> {
    const { baseTree, treeSha, changes } = this.#change;
    const isTest = matcher(stage.tests);
    const baseTestFiles = (await this.#workspaces.pathsOf(baseTree)).filter(isTest);
    const inventory = await this.#base.inventory(stage, baseTestFiles);
    if ("failure" in inventory) return baseFails(stage, inventory.failure);
    const outputs = this.#outputs;
    const judged = await judgeTestStage(
      stage,
      {
        world: await this.#workspaces.shared(treeSha, outputs),
        outputs,
        worldWith: async (file) => await this.#workspaces.withFile(treeSha, outputs, file),
        baseTestFiles,
        changedModules: changes
          .filter(({ path, newMode }) => newMode !== null && !isTest(path))
          .map(({ path }) => path),
        inventory: await this.#demanded(stage, inventory.names),
      },
      await this.#tools("test", stage),
    );
    if (judged.inventory !== null) this.inventories.set(stage, judged.inventory);
    return judged.diagnostics;
  }

  async #demanded(stage: TestStage, names: Inventory): Promise<Inventory> {
    const store = inventoryStore(this.#world.directories.inventory);
    const gone = await takenBack(store, stage, this.#change.reverted);
    return missingFrom(stillDemanded(names, releasedFiles(this.#change)), gone);
  }

  get #outputs(): OutputDirectory[] {
    return this.builds.flatMap(({ outputs }) => outputs);
  }

  /** The sandbox, with what it is used for: who ends it is told. */
  #runOf(stage: Stage): RunInSandbox {
    const about = { runId: this.#change.runId, stage: stage.name };
    return async (request) => await this.#world.run({ ...request, about });
  }

  async #tools(name: string, stage: Stage): Promise<TestTools> {
    const scratch = join(this.#scratch, `${name}-${(this.#scratches += 1)}`);
    await mkdir(scratch, { recursive: true });
    return { run: this.#runOf(stage), signal: this.#signal, scratch };
  }
}

/** No verdict about the base is none about the change either; a base that fails is one. */
function baseFails(stage: Stage, { category, reason }: StageFailure): StageDiagnostics {
  const isOutside = category === "infrastructure" || category === "aborted";
  return diagnose(stage, new Date(), {
    status: category === "infrastructure" ? "error" : "failed",
    category: isOutside ? category : "verdict-not-trusted",
    reason: isOutside
      ? reason
      : stage.kind === "migration"
        ? `the base does not build in the sandbox, so there is nothing to go back to: ${reason}`
        : `the base's own tests do not pass in the sandbox, so there is nothing to hold the change against: ${reason}`,
    results: [],
  });
}
