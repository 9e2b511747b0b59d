import type { BuildStage } from "../guard-config.ts";
import type { Mirror } from "../git/mirror.ts";
import { matcher } from "../protected-paths.ts";
import type { DependencyTree } from "../verification/dependencies.ts";
import type { OutputDirectory } from "../verification/stage-world.ts";
import type { ReleaseCheck } from "./check-release.ts";
import { prepareRelease, type PreparedRelease } from "./release-store.ts";

/** What a verification that passed has in its hands when it ends. */
export interface PassedBuild {
  readonly mirror: Mirror;
  readonly treeSha: string;
  readonly releaseDigest: string;
  readonly dependencies: DependencyTree | null;
  readonly builds: readonly {
    readonly stage: BuildStage;
    readonly outputs: readonly OutputDirectory[];
  }[];
}

/**
 * Keeps the very output that was tested as a release, before the scratch directory of its
 * verification goes. Nothing is built and nothing of the change is run.
 */
export async function keepRelease(directory: string, passed: PassedBuild): Promise<ReleaseCheck> {
  const prepared = await prepareKept(directory, passed);
  try {
    return await prepared.install();
  } finally {
    await prepared.discard();
  }
}

/** The same up to the last step, while the tests of what was built still run. */
export async function prepareKept(
  directory: string,
  passed: PassedBuild,
): Promise<PreparedRelease> {
  const leftOut = passed.builds.map(({ stage, outputs }) => {
    const isBookkeeping = matcher(stage.bookkeeping ?? []);
    return (path: string) =>
      isBookkeeping(path) && outputs.some((output) => path.startsWith(`${output.path}/`));
  });
  return await prepareRelease(directory, {
    mirror: passed.mirror,
    releaseDigest: passed.releaseDigest,
    treeSha: passed.treeSha,
    lockfileDigest: passed.dependencies?.lockfileDigest ?? null,
    nodeVersion: process.version,
    outputs: passed.builds.flatMap(({ outputs }) => outputs),
    isLeftOut: (path) => leftOut.some((isLeftOut) => isLeftOut(path)),
    dependencies: passed.dependencies && {
      key: passed.dependencies.key,
      nodeModules: passed.dependencies.nodeModules,
    },
  });
}
