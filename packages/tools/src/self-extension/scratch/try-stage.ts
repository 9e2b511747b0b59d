import { SelfExtensionError } from "../errors.ts";
import { diffTrees } from "../git/mirror.ts";
import { loadConfig } from "../load-config.ts";
import type { PipelineWorld } from "../pipeline-world.ts";
import type { StageDiagnostics } from "../run-result.ts";
import type { Staged } from "../staged-change.ts";
import { dependenciesOf } from "../verification/dependencies.ts";
import { StageRunner } from "../verification/stage-runner.ts";
import { withScratch } from "../verification/stage-world.ts";

/** The stages of a base's configuration, in their order. */
export async function stagesOf(
  { mirror }: Pick<PipelineWorld, "mirror">,
  baseTree: string,
): Promise<readonly { name: string; kind: string }[]> {
  const { stages } = await loadConfig(mirror, baseTree);
  return stages.map(({ name, kind }) => ({ name, kind }));
}

/**
 * Runs one stage of the base's configuration on a tree that nobody proposed yet, after the builds it
 * needs, in the sandbox like every stage. What comes back is for the author and no evidence: a
 * proposal is verified anew.
 */
export async function tryStage(
  world: PipelineWorld,
  request: {
    readonly baseSha: string;
    readonly baseTree: string;
    readonly treeSha: string;
    readonly stage: string;
    readonly signal: AbortSignal;
  },
): Promise<StageDiagnostics> {
  const { baseSha, baseTree, treeSha, signal } = request;
  const config = await loadConfig(world.mirror, baseTree);
  const wanted = config.stages.findIndex(({ name }) => name === request.stage);
  if (wanted === -1) {
    const names = config.stages.map(({ name }) => name).join(", ");
    throw new SelfExtensionError(
      "scratch-refused",
      `There is no stage ${request.stage}; the stages are ${names}.`,
    );
  }
  const sandbox = await world.checkSandbox();
  if (!sandbox.available) throw new SelfExtensionError("scratch-refused", sandbox.message);
  const change: Staged = {
    runId: "scratch",
    attempt: 1,
    context: {
      runId: "scratch",
      correlationId: "scratch",
      actorSource: "agent",
      actor: "author",
      toolName: null,
      toolCallId: null,
      goalId: null,
      cycleId: null,
      subGoalId: null,
    },
    title: "scratch",
    goal: null,
    baseSha,
    baseTree,
    treeSha,
    stagedSha: baseSha,
    date: new Date(),
    changes: await diffTrees(world.mirror, baseTree, treeSha),
    config,
    approval: null,
    reverted: null,
    restored: new Set(),
  };
  const { dependencies: directory } = world.directories;
  const dependencies = await dependenciesOf(world.mirror, change, directory, world.packageManager);
  return await withScratch(world.directories.work, async (scratch) => {
    const stopped = AbortSignal.any([signal, world.signal()]);
    const own = { ...world, signal: () => stopped };
    const runner = new StageRunner(own, change, dependencies, scratch);
    const needed = config.stages.slice(0, wanted).filter(({ kind }) => kind === "build");
    for (const build of needed) {
      const built = await runner.run(build);
      if (built.status !== "passed") return built;
    }
    const stage = config.stages[wanted];
    if (stage === undefined) throw new Error("a stage that was found is gone");
    return await runner.run(stage);
  });
}
