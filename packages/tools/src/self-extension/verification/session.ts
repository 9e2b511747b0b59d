import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { OutputFile } from "@jarvis/sandbox";
import type { Evidence } from "../evidence.ts";
import { listTree } from "../git/mirror.ts";
import type { BuildStage, GuardConfig, Stage, TestStage } from "../guard-config.ts";
import type { PipelineWorld } from "../pipeline-world.ts";
import { matcher } from "../protected-paths.ts";
import type { StageDiagnostics } from "../run-result.ts";
import type { Staged } from "../staged-change.ts";
import { BaseExam } from "./base-exam.ts";
import { listOutputs, runBuildStage, runCheckStage } from "./build-stage.ts";
import { buildStore } from "./build-store.ts";
import type { DependencyTree } from "./dependencies.ts";
import { inventoryStore } from "./inventory.ts";
import type { Inventory } from "./judge-tests.ts";
import { releaseDigest } from "./release-digest.ts";
import { runSmokeStage } from "./smoke-stage.ts";
import { diagnose, makeWorld, type OutputDirectory, type StageWorld } from "./stage-world.ts";
import { judgeTestStage } from "./test-stage.ts";

/** One verification: the stages in order, the first failure ends it. */
export class VerificationSession {
  readonly stages: StageDiagnostics[] = [];
  readonly #world: PipelineWorld;
  readonly #change: Staged;
  readonly #dependencies: DependencyTree | null;
  readonly #scratch: string;
  readonly #base: BaseExam;
  readonly #inventories = new Map<TestStage, Inventory>();
  readonly #builds: { stage: BuildStage; outputs: readonly OutputDirectory[] }[] = [];
  #outputs: OutputDirectory[] = [];
  #questionsAnswered = 0;
  readonly #workspaces = new Set<string>();

  constructor(
    world: PipelineWorld,
    change: Staged,
    dependencies: DependencyTree | null,
    scratch: string,
  ) {
    this.#world = world;
    this.#change = change;
    this.#dependencies = dependencies;
    this.#scratch = scratch;
    this.#base = new BaseExam(world, change, {
      tools: async (name) => await this.#tools(name),
      workspace: async (tree, outputs) => await this.#workspace(tree, outputs),
      outputRoot: (name) => join(scratch, name),
    });
  }

  async runStages(): Promise<void> {
    const stages = neededStages(
      this.#change.config,
      this.#change.changes.map(({ path }) => path),
    );
    for (const stage of stages) {
      this.#world.progress(this.#change.runId, `verify: ${stage.name}`);
      const diagnostics = await this.#runStage(stage);
      this.stages.push(diagnostics);
      if (diagnostics.status !== "passed") break;
    }
    for (const stage of stages.slice(this.stages.length)) {
      this.stages.push(
        diagnose(stage, new Date(), {
          status: "not-run",
          reason: "an earlier stage failed",
          results: [],
        }),
      );
    }
  }

  async releaseDigest(): Promise<string> {
    return releaseDigest({
      treeSha: this.#change.treeSha,
      lockfileDigest: this.#dependencies?.lockfileDigest ?? null,
      nodeVersion: process.version,
      files: await this.#releaseFiles(),
    });
  }

  testEvidence(): Evidence["testEvidence"] {
    if (this.#questionsAnswered > 0) return "black-box";
    return this.stages.some((stage) => stage.kind === "test" && stage.status === "passed")
      ? "in-process"
      : "none";
  }

  /** The tree that passed is the next base: what passed and was built need not be made again. */
  async keepForNextBase(): Promise<void> {
    const store = inventoryStore(this.#world.directories.inventory);
    for (const [stage, inventory] of this.#inventories) {
      await store.write(this.#change.treeSha, stage, inventory);
    }
    for (const { stage, outputs } of this.#builds) {
      if (stage.bookkeeping === undefined) continue;
      await buildStore(this.#world.directories.builds).keep(this.#change.treeSha, stage, outputs);
    }
  }

  /** What was built, without the files by which an incremental compiler remembers. */
  async #releaseFiles(): Promise<OutputFile[]> {
    const files: OutputFile[] = [];
    for (const { stage, outputs } of this.#builds) {
      const isBookkeeping = matcher(stage.bookkeeping ?? []);
      const listed = await listOutputs(outputs);
      files.push(...listed.filter((file) => !isBookkeeping(file.path)));
    }
    return files;
  }

  async #runStage(stage: Stage): Promise<StageDiagnostics> {
    const run = this.#world.run;
    const signal = this.#world.signal();
    switch (stage.kind) {
      case "build": {
        const world = await this.#workspace(this.#change.treeSha, this.#outputs);
        const outputRoot = join(this.#scratch, `out-${this.stages.length}`);
        const result = await runBuildStage(stage, world, {
          run,
          outputRoot,
          signal,
          prepare: async (outputs) => await this.#base.beginFrom(stage, outputs),
        });
        this.#outputs = [...this.#outputs, ...result.outputs];
        this.#builds.push({ stage, outputs: result.outputs });
        return result.diagnostics;
      }
      case "check":
        return await runCheckStage(
          stage,
          await this.#workspace(this.#change.treeSha, this.#outputs),
          {
            run,
            signal,
          },
        );
      case "test":
        return await this.#runTestStage(stage);
      case "smoke": {
        const world = await this.#workspace(this.#change.treeSha, this.#outputs);
        const facts = {
          mirror: this.#world.mirror,
          baseTree: this.#change.baseTree,
          basePaths: await this.#pathsOf(this.#change.baseTree),
          tree: this.#change.treeSha,
        };
        const result = await runSmokeStage(stage, world, facts, { run, signal });
        if (result.diagnostics.status === "passed") this.#questionsAnswered += result.asked;
        return result.diagnostics;
      }
    }
  }

  async #runTestStage(stage: TestStage): Promise<StageDiagnostics> {
    const basePaths = await this.#pathsOf(this.#change.baseTree);
    const baseTestFiles = basePaths.filter(matcher(stage.tests));
    const inventory = await this.#base.inventory(stage, baseTestFiles);
    if ("failure" in inventory) {
      const { category, reason } = inventory.failure;
      // No verdict about the base is none about the change either; a base that fails is one.
      const isOutside = category === "infrastructure" || category === "aborted";
      return diagnose(stage, new Date(), {
        status: category === "infrastructure" ? "error" : "failed",
        category: isOutside ? category : "verdict-not-trusted",
        reason: isOutside
          ? reason
          : `the base's own tests do not pass in the sandbox, so there is nothing to hold the change against: ${reason}`,
        results: [],
      });
    }
    const world = await this.#workspace(this.#change.treeSha, this.#outputs);
    const isTest = matcher(stage.tests);
    const judged = await judgeTestStage(
      stage,
      {
        worldOptions: {
          mirror: this.#world.mirror,
          tree: this.#change.treeSha,
          dependencies: this.#dependencies,
          outputs: this.#outputs,
        },
        world,
        baseTestFiles,
        changedModules: this.#change.changes
          .filter(({ path, newMode }) => newMode !== null && !isTest(path))
          .map(({ path }) => path),
        inventory: inventory.names,
      },
      await this.#tools(`test-${this.stages.length}`),
    );
    if (judged.inventory !== null) this.#inventories.set(stage, judged.inventory);
    return judged.diagnostics;
  }

  async #tools(name: string) {
    const scratch = join(this.#scratch, name);
    await mkdir(scratch, { recursive: true });
    return { run: this.#world.run, signal: this.#world.signal(), scratch };
  }

  async #workspace(tree: string, outputs: readonly OutputDirectory[]): Promise<StageWorld> {
    const directory = join(this.#scratch, `ws-${tree}`);
    // Every stage sees the tree read-only, so one copy of it serves them all.
    const isWritten = this.#workspaces.has(tree);
    const { mirror } = this.#world;
    const dependencies = this.#dependencies;
    const world = await makeWorld({ mirror, tree, directory, dependencies, outputs, isWritten });
    this.#workspaces.add(tree);
    return world;
  }

  async #pathsOf(tree: string): Promise<string[]> {
    return (await listTree(this.#world.mirror, tree)).map((entry) => entry.path);
  }
}

/**
 * The stages a change needs. A test stage with `when` is left out where the change does not touch its
 * paths; where that would leave no test stage at all, every one runs: no change goes untested.
 */
export function neededStages(config: GuardConfig, changedPaths: readonly string[]): Stage[] {
  const isNeeded = (stage: Stage): boolean =>
    stage.kind !== "test" || stage.when === undefined || changedPaths.some(matcher(stage.when));
  const needed = config.stages.filter(isNeeded);
  return needed.some((stage) => stage.kind === "test") ? needed : [...config.stages];
}
