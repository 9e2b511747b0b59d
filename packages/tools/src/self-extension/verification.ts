import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { getBlob, putBlob } from "@jarvis/db";
import type { OutputFile } from "@jarvis/sandbox";
import type { BlockReason } from "./block-reasons.ts";
import { SelfExtensionError } from "./errors.ts";
import { listTree } from "./git/mirror.ts";
import type { BuildStage, GuardConfig, Stage, TestStage } from "./guard-config.ts";
import { evidence, type Evidence } from "./evidence.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { matcher } from "./protected-paths.ts";
import type { StageDiagnostics } from "./run-result.ts";
import { loadStaged, type Staged } from "./staged-change.ts";
import { listOutputs, runBuildStage, runCheckStage } from "./verification/build-stage.ts";
import { buildStore, type BuildStore } from "./verification/build-store.ts";
import { dependencyTree, type DependencyTree } from "./verification/dependencies.ts";
import { inventoryStore } from "./verification/inventory.ts";
import { releaseDigest } from "./verification/release-digest.ts";
import { runSmokeStage } from "./verification/smoke-stage.ts";
import {
  diagnose,
  failureOf,
  makeWorld,
  withScratch,
  type OutputDirectory,
  type StageWorld,
} from "./verification/stage-world.ts";
import { judgeTestStage, runTests, type Inventory } from "./verification/test-stage.ts";

declare const verifiedBrand: unique symbol;

/** A change with a passing verdict about its very tree. Only this file can make one. */
export interface Verified {
  readonly [verifiedBrand]: true;
  readonly change: Staged;
  readonly evidenceDigest: string;
  readonly evidence: Evidence & { readonly releaseDigest: string };
}

export type VerificationOutcome =
  | { readonly kind: "evidence"; readonly evidence: Evidence; readonly evidenceDigest: string }
  | { readonly kind: "no-verdict"; readonly reason: BlockReason; readonly detail: string };

/**
 * Runs every stage of the base's configuration on a staged tree, in the sandbox, and stores the
 * evidence. Without a sandbox there is no verdict: nothing of the change is executed and
 * `sandbox-unavailable` comes back.
 */
export async function verifyChange(
  world: PipelineWorld,
  change: Staged,
): Promise<VerificationOutcome> {
  const sandbox = await world.checkSandbox();
  if (!sandbox.available) {
    return { kind: "no-verdict", reason: "sandbox-unavailable", detail: sandbox.message };
  }
  const dependencies = await dependencyTree(
    world.mirror,
    { tree: change.baseTree, config: change.config },
    world.directories.dependencies,
    world.packageManager,
  );
  return await withScratch(world.directories.work, async (scratch) => {
    const session = new VerificationSession(world, change, dependencies, scratch);
    await session.runStages();
    const passed = session.stages.every((stage) => stage.status === "passed");
    const facts: Evidence = {
      version: 1,
      runId: change.runId,
      attempt: change.attempt,
      baseSha: change.baseSha,
      baseTree: change.baseTree,
      treeSha: change.treeSha,
      configDigest: `sha256:${createHash("sha256").update(JSON.stringify(change.config)).digest("hex")}`,
      lockfileDigest: dependencies?.lockfileDigest ?? null,
      nodeVersion: process.version,
      sandbox: { tier: sandbox.tier, version: sandbox.version },
      stages: session.stages,
      releaseDigest: passed ? await session.releaseDigest() : null,
      testEvidence: session.testEvidence(),
      verdict: passed
        ? "passed"
        : session.stages.some((stage) => stage.status === "error")
          ? "error"
          : "failed",
      createdAt: new Date().toISOString(),
    };
    if (passed) await session.keepForNextBase();
    const evidenceDigest = await putBlob(
      world.db,
      Buffer.from(JSON.stringify(facts)),
      "application/json",
    );
    return { kind: "evidence", evidence: facts, evidenceDigest };
  });
}

/**
 * Makes the passing verdict of a run usable again from ledger, blob and git: each must tell the same
 * story about the same tree, or `evidence-mismatch` is thrown.
 */
export async function loadVerified(
  world: PipelineWorld,
  runId: string,
  stagedSha: string,
): Promise<Verified> {
  const change = await loadStaged(world, runId, stagedSha);
  const tested = (await readRunEvents(world.db, runId)).findLast(
    (event) => event.type === "tested",
  );
  const mismatch = (what: string): SelfExtensionError =>
    new SelfExtensionError("evidence-mismatch", `run ${runId} cannot be promoted: ${what}`);
  if (tested?.type !== "tested" || !tested.payload.passed)
    throw mismatch("it has no passing verdict");
  if (tested.payload.treeSha !== change.treeSha || tested.payload.baseSha !== change.baseSha) {
    throw mismatch("the verdict is about another tree or base");
  }
  const { evidenceDigest } = tested.payload;
  const blob = evidenceDigest === null ? null : await getBlob(world.db, evidenceDigest);
  if (evidenceDigest === null || blob === null || !("content" in blob)) {
    throw mismatch("its evidence is no longer kept");
  }
  const facts = evidence.parse(JSON.parse(Buffer.from(blob.content).toString("utf8")));
  const { releaseDigest: release } = facts;
  if (
    facts.verdict !== "passed" ||
    facts.treeSha !== change.treeSha ||
    facts.baseSha !== change.baseSha ||
    facts.stages.some((stage) => stage.status !== "passed") ||
    release === null
  ) {
    throw mismatch("its evidence does not say passed for this tree");
  }
  // The one place where the brand is given: everything it stands for was checked just above.
  return { change, evidenceDigest, evidence: { ...facts, releaseDigest: release } } as Verified;
}

/** One verification: the stages in order, the first failure ends it. */
class VerificationSession {
  readonly stages: StageDiagnostics[] = [];
  readonly #world: PipelineWorld;
  readonly #change: Staged;
  readonly #dependencies: DependencyTree | null;
  readonly #scratch: string;
  readonly #inventories = new Map<TestStage, Inventory>();
  readonly #builds: { stage: BuildStage; outputs: readonly OutputDirectory[] }[] = [];
  #outputs: OutputDirectory[] = [];
  #baseOutputs: OutputDirectory[] | null | undefined;
  #questionsAnswered = 0;
  #workspaces = 0;

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
      await this.#buildStore().keep(this.#change.treeSha, stage, outputs);
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
          prepare: async (outputs) => await this.#beginFromBase(stage, outputs),
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
    const inventory = await this.#inventoryOfBase(stage, baseTestFiles);
    if (inventory === null) {
      return diagnose(stage, new Date(), {
        status: "failed",
        category: "verdict-not-trusted",
        reason:
          "the base's own tests do not pass in the sandbox, so there is nothing to hold the change against",
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
        inventory,
      },
      await this.#tools(`test-${this.stages.length}`),
    );
    if (judged.inventory !== null) this.#inventories.set(stage, judged.inventory);
    return judged.diagnostics;
  }

  /** Recorded once per base tree, in the same sandbox; null where the base itself does not pass. */
  async #inventoryOfBase(
    stage: TestStage,
    testFiles: readonly string[],
  ): Promise<Inventory | null> {
    const store = inventoryStore(this.#world.directories.inventory);
    const { baseTree, runId } = this.#change;
    const known = await store.read(baseTree, stage);
    if (known !== null) return known;
    if (testFiles.length === 0) return [];
    this.#world.progress(runId, `verify: ${stage.name} on the base, once`);
    const outputs = await this.#buildBase();
    if (outputs === null) return null;
    const world = await this.#workspace(baseTree, outputs);
    const run = await runTests(stage, world, testFiles, {
      ...(await this.#tools(`base-${this.stages.length}`)),
      label: "inventory",
    });
    if (failureOf(run.result) !== null || run.tests === null) return null;
    const names = run.tests.filter((test) => test.status === "passed").map((test) => test.name);
    await store.write(baseTree, stage, names.sort());
    return names;
  }

  /**
   * Lets an incremental compiler begin where the base's build ended. Not where the change removes a
   * file: what was built from it would stay behind.
   */
  async #beginFromBase(stage: BuildStage, outputs: readonly OutputDirectory[]): Promise<void> {
    if (stage.bookkeeping === undefined) return;
    if (this.#change.changes.some(({ newMode }) => newMode === null)) return;
    const store = this.#buildStore();
    const { baseTree, runId } = this.#change;
    if (await store.layOut(baseTree, stage, outputs)) return;
    this.#world.progress(runId, `verify: ${stage.name} of the base, once`);
    const base = await this.#buildBase();
    if (base === null) return;
    await store.layOut(baseTree, stage, outputs);
  }

  #buildStore(): BuildStore {
    return buildStore(this.#world.directories.builds);
  }

  /** The base's own build, for what runs on built output of the base; null where it does not build. */
  async #buildBase(): Promise<OutputDirectory[] | null> {
    if (this.#baseOutputs !== undefined) return this.#baseOutputs;
    const { baseTree, config } = this.#change;
    const outputs: OutputDirectory[] = [];
    for (const stage of config.stages) {
      if (stage.kind !== "build") continue;
      const world = await this.#workspace(baseTree, outputs);
      const built = await runBuildStage(stage, world, {
        run: this.#world.run,
        outputRoot: join(this.#scratch, `base-out-${stage.name}`),
        signal: this.#world.signal(),
      });
      if (built.diagnostics.status !== "passed") {
        this.#baseOutputs = null;
        return null;
      }
      if (stage.bookkeeping !== undefined) {
        await this.#buildStore().keep(baseTree, stage, built.outputs);
      }
      outputs.push(...built.outputs);
    }
    this.#baseOutputs = outputs;
    return outputs;
  }

  async #tools(name: string) {
    const scratch = join(this.#scratch, name);
    await mkdir(scratch, { recursive: true });
    return { run: this.#world.run, signal: this.#world.signal(), scratch };
  }

  async #workspace(tree: string, outputs: readonly OutputDirectory[]): Promise<StageWorld> {
    this.#workspaces += 1;
    return await makeWorld({
      mirror: this.#world.mirror,
      tree,
      directory: join(this.#scratch, `ws-${this.#workspaces}`),
      dependencies: this.#dependencies,
      outputs,
    });
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
