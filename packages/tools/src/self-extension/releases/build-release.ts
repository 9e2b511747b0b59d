import { dependenciesOf } from "../verification/dependencies.ts";
import { releaseDigest, releaseFiles } from "../verification/release-digest.ts";
import { StageRunner } from "../verification/stage-runner.ts";
import { withScratch } from "../verification/stage-world.ts";
import { attestationRunId } from "../attestation.ts";
import { kernelContext } from "../lifecycle-events.ts";
import { loadConfig } from "../load-config.ts";
import type { PipelineWorld } from "../pipeline-world.ts";
import type { Staged } from "../staged-change.ts";
import { refuse, type ReleaseCheck } from "./check-release.ts";
import { keepRelease } from "./keep-release.ts";

/**
 * Builds the release of a tree in the sandbox and keeps it: for the first baseline, for a base that a
 * person accepted, and for a release that got lost. The same tree gives the same digest, and where
 * a certain one is expected the caller asks for that one afterwards. Nothing is tested here, and
 * nothing gets permission to run by it.
 */
export async function buildRelease(world: PipelineWorld, treeSha: string): Promise<ReleaseCheck> {
  const change = await asItsOwnBase(world, treeSha);
  const dependencies = await dependenciesOf(
    world.mirror,
    change,
    world.directories.dependencies,
    world.packageManager,
  );
  return await withScratch(world.directories.work, async (scratch) => {
    const runner = new StageRunner(world, change, dependencies, scratch);
    for (const stage of change.config.stages) {
      if (stage.kind !== "build") continue;
      const { status, reason } = await runner.run(stage);
      if (status !== "passed") {
        return refuse("build-failed", `${stage.name} of tree ${treeSha}: ${reason ?? status}.`);
      }
    }
    const { candidate } = dependencies;
    return await keepRelease(world.directories.releases, {
      mirror: world.mirror,
      treeSha,
      releaseDigest: releaseDigest({
        treeSha,
        lockfileDigest: candidate?.lockfileDigest ?? null,
        nodeVersion: process.version,
        files: await releaseFiles(runner.builds),
      }),
      dependencies: candidate,
      builds: runner.builds,
    });
  });
}

/** The tree as a change that changes nothing: its own configuration says how it is built. */
async function asItsOwnBase(world: PipelineWorld, treeSha: string): Promise<Staged> {
  const context = kernelContext(attestationRunId(treeSha));
  return {
    runId: context.runId,
    attempt: 1,
    context,
    title: `Release of ${treeSha}`,
    goal: null,
    baseSha: treeSha,
    baseTree: treeSha,
    treeSha,
    stagedSha: treeSha,
    date: new Date(),
    changes: [],
    config: await loadConfig(world.mirror, treeSha),
    approval: null,
    reverted: null,
    restored: new Set(),
  };
}
