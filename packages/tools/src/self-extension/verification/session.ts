import { availableParallelism } from "node:os";
import type { Evidence } from "../evidence.ts";
import type { Stage } from "../guard-config.ts";
import type { PipelineWorld } from "../pipeline-world.ts";
import { keepRelease } from "../releases/keep-release.ts";
import type { StageDiagnostics } from "../run-result.ts";
import type { Staged } from "../staged-change.ts";
import { buildStore } from "./build-store.ts";
import type { Dependencies } from "./dependencies.ts";
import { inventoryStore } from "./inventory.ts";
import { releaseDigest, releaseFiles } from "./release-digest.ts";
import { sideBySide } from "./side-by-side.ts";
import { neededStages, stageGroups } from "./stage-order.ts";
import { StageRunner } from "./stage-runner.ts";
import { diagnose } from "./stage-world.ts";

/**
 * One verification. Stages that no build lies between run side by side, each in sandboxes of its own,
 * and each is reported as it ended; the first in the configured order that did not pass decides. What
 * comes after a failed group is not run.
 */
export class VerificationSession {
  /** In the configured order. */
  readonly stages: StageDiagnostics[] = [];
  readonly #world: PipelineWorld;
  readonly #change: Staged;
  readonly #dependencies: Dependencies;
  readonly #runner: StageRunner;
  readonly #running = new Set<Stage>();

  constructor(world: PipelineWorld, change: Staged, dependencies: Dependencies, scratch: string) {
    this.#world = world;
    this.#change = change;
    this.#dependencies = dependencies;
    this.#runner = new StageRunner(world, change, dependencies, scratch);
  }

  async runStages(): Promise<void> {
    const changed = this.#change.changes.map(({ path }) => path);
    for (const group of stageGroups(neededStages(this.#change.config, changed))) {
      const goesOn = this.stages.every(({ status }) => status === "passed");
      const works = group.map((stage) => async () => await this.#observe(stage));
      this.stages.push(
        ...(goesOn ? await sideBySide(works, availableParallelism()) : group.map(notRun)),
      );
    }
  }

  /** Of the first stage that did not pass. */
  verdict(): Evidence["verdict"] {
    const decisive = this.stages.find(({ status }) => status !== "passed");
    if (decisive === undefined) return "passed";
    return decisive.status === "error" ? "error" : "failed";
  }

  async releaseDigest(): Promise<string> {
    return releaseDigest({
      treeSha: this.#change.treeSha,
      lockfileDigest: this.#dependencies.candidate?.lockfileDigest ?? null,
      nodeVersion: process.version,
      files: await releaseFiles(this.#runner.builds),
    });
  }

  testEvidence(): Evidence["testEvidence"] {
    if (this.#runner.questionsAnswered > 0) return "black-box";
    return this.stages.some((stage) => stage.kind === "test" && stage.status === "passed")
      ? "in-process"
      : "none";
  }

  /** What was tested is what may run: kept before its scratch directory goes, where anything runs at all. */
  async keepRelease(digest: string): Promise<void> {
    if (this.#change.config.body === undefined) return;
    await keepRelease(this.#world.directories.releases, {
      mirror: this.#world.mirror,
      treeSha: this.#change.treeSha,
      releaseDigest: digest,
      dependencies: this.#dependencies.candidate,
      builds: this.#runner.builds,
    });
  }

  /**
   * The tree that passed is the next base: what passed and was built need not be made again. Takes
   * the output away, so it comes last.
   */
  async keepForNextBase(): Promise<void> {
    const store = inventoryStore(this.#world.directories.inventory);
    for (const [stage, inventory] of this.#runner.inventories) {
      await store.write(this.#change.treeSha, stage, inventory);
    }
    for (const { stage, outputs } of this.#runner.builds) {
      if (stage.bookkeeping === undefined) continue;
      await buildStore(this.#world.directories.builds).take(this.#change.treeSha, stage, outputs);
    }
  }

  /** Runs a stage and says to people which ones are running. */
  async #observe(stage: Stage): Promise<StageDiagnostics> {
    const tell = (): void => {
      const names = [...this.#running].map(({ name }) => name);
      if (names.length > 0) this.#world.progress(this.#change.runId, `verify: ${names.join(", ")}`);
    };
    this.#running.add(stage);
    tell();
    try {
      return await this.#runner.run(stage);
    } finally {
      this.#running.delete(stage);
      tell();
    }
  }
}

function notRun(stage: Stage): StageDiagnostics {
  const reason = "an earlier stage failed";
  return diagnose(stage, new Date(), { status: "not-run", reason, results: [] });
}
