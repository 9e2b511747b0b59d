import { availableParallelism } from "node:os";
import type { Evidence } from "../evidence.ts";
import type { Stage } from "../guard-config.ts";
import type { PipelineWorld } from "../pipeline-world.ts";
import { prepareKept } from "../releases/keep-release.ts";
import type { PreparedRelease } from "../releases/release-store.ts";
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
  #release: Promise<{ digest: string; prepared: PreparedRelease | null }> | null = null;

  constructor(world: PipelineWorld, change: Staged, dependencies: Dependencies, scratch: string) {
    this.#world = world;
    this.#change = change;
    this.#dependencies = dependencies;
    this.#runner = new StageRunner(world, change, dependencies, scratch);
  }

  async runStages(): Promise<void> {
    const changed = this.#change.changes.map(({ path }) => path);
    const groups = stageGroups(neededStages(this.#change.config, changed));
    const lastBuild = groups.findLastIndex((group) => group.some(({ kind }) => kind === "build"));
    for (const [index, group] of groups.entries()) {
      const goesOn = this.stages.every(({ status }) => status === "passed");
      const works = group.map((stage) => async () => await this.#observe(stage));
      this.stages.push(
        ...(goesOn ? await sideBySide(works, availableParallelism()) : group.map(notRun)),
      );
      // Nothing writes to what was built any more: it is laid down while the rest looks at it.
      if (index === lastBuild && this.verdict() === "passed") void this.#beginRelease();
    }
  }

  /** Of the first stage that did not pass. */
  verdict(): Evidence["verdict"] {
    const decisive = this.stages.find(({ status }) => status !== "passed");
    if (decisive === undefined) return "passed";
    return decisive.status === "error" ? "error" : "failed";
  }

  async releaseDigest(): Promise<string> {
    return (await this.#beginRelease()).digest;
  }

  #beginRelease(): Promise<{ digest: string; prepared: PreparedRelease | null }> {
    if (this.#release === null) {
      this.#release = this.#prepareRelease();
      // Whoever asks for it is told; a verification that fails asks for nothing.
      this.#release.catch(() => undefined);
    }
    return this.#release;
  }

  async #prepareRelease(): Promise<{ digest: string; prepared: PreparedRelease | null }> {
    const { treeSha, config } = this.#change;
    const { candidate } = this.#dependencies;
    const { builds } = this.#runner;
    const digest = releaseDigest({
      treeSha,
      lockfileDigest: candidate?.lockfileDigest ?? null,
      nodeVersion: process.version,
      files: await releaseFiles(builds),
    });
    if (config.body === undefined) return { digest, prepared: null };
    const { mirror, directories } = this.#world;
    const passed = { mirror, treeSha, releaseDigest: digest, dependencies: candidate, builds };
    return { digest, prepared: await prepareKept(directories.releases, passed) };
  }

  testEvidence(): Evidence["testEvidence"] {
    if (this.#runner.questionsAnswered > 0) return "black-box";
    return this.stages.some((stage) => stage.kind === "test" && stage.status === "passed")
      ? "in-process"
      : "none";
  }

  /** What was tested is what may run: kept before its scratch directory goes, where anything runs at all. */
  async keepRelease(): Promise<void> {
    await (await this.#beginRelease()).prepared?.install();
  }

  /** Leaves nothing of a release that was not kept. */
  async close(): Promise<void> {
    const release = await this.#release?.catch(() => null);
    await release?.prepared?.discard();
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
