import {
  attestationRunId,
  buildRelease,
  diffTrees,
  foldRun,
  isAncestor,
  isLiftedSince,
  liftedHolds,
  readBaseline,
  readRunEvents,
  runOfCommit,
  runThatPromoted,
  treeOf,
  unsettledRuns,
  type PipelineWorld,
  type RunState,
  type RunStatus,
} from "@jarvis/tools/self-extension";
import { readWatchedRun, type WatchedRun } from "./lifecycle-writer.ts";
import type { ServedRelease } from "./watched-release.ts";

export interface PromotedRelease {
  readonly release: ServedRelease;
  readonly run: WatchedRun;
  /** Tools whose files differ from the base's before: their answers may differ too. */
  readonly changedTools: ReadonlySet<string>;
  /** `same`: it is the blessed release under another commit. */
  readonly step: "watch" | "go-back" | "same";
}

const toBeWatched: readonly RunStatus[] = ["promoted", "attested", "watched"];
const goingBack: readonly RunStatus[] = ["window-failed", "rolling-back"];

const BUILTIN = /^packages\/tools\/src\/builtin\/([^/]+)\//;

/**
 * What a commit of the base is as a release, and what has to become of it; null where nothing has:
 * it was rolled back, or nobody vouches for it.
 */
export async function promotedRelease(
  world: PipelineWorld,
  sha: string,
): Promise<PromotedRelease | null> {
  const promotedBy = await runThatPromoted(world.db, sha);
  const runId = promotedBy ?? attestationRunId(sha);
  const run = await readWatchedRun(world, runId);
  if (run === null) return null;
  const state = foldRun(runId, await readRunEvents(world.db, runId));
  const treeSha = await treeOf(world.mirror, sha);
  if (state.treeSha !== treeSha || state.testsPassed !== true) return null;
  const releaseDigest = state.releaseDigest ?? (await builtDigest(world, treeSha));
  if (releaseDigest === null) return null;
  const release: ServedRelease = { releaseDigest, sha, treeSha, runId: promotedBy };
  const before = state.baseSha === null ? treeSha : await treeOf(world.mirror, state.baseSha);
  const changes = await diffTrees(world.mirror, before, treeSha);
  const changedTools = new Set(changes.flatMap(({ path }) => BUILTIN.exec(path)?.[1] ?? []));
  const baseline = readBaseline(world.directories.releases);
  const isSame = baseline.known && baseline.value.current.releaseDigest === releaseDigest;
  const own = stepOf(state.status);
  // The blessed release itself may be gone back from: that has to be finished, too.
  const step = isSame && own !== "go-back" ? "same" : (own ?? (await stepAgain(world, state)));
  return step === null ? null : { release, run, changedTools, step };
}

/**
 * A change of ours that was not judged before the base moved on past it, while no kernel ran to watch
 * it; null where there is none. What was blessed since holds it, and what left the base serves nowhere.
 */
export async function overtakenRelease(
  world: PipelineWorld,
  { base, blessed }: { readonly base: string; readonly blessed: string },
): Promise<PromotedRelease | null> {
  for (const { mergeSha } of await unsettledRuns(world.db)) {
    if (mergeSha === null || mergeSha === base) continue;
    if (!(await isAncestor(world.mirror, mergeSha, base))) continue;
    if (await isAncestor(world.mirror, mergeSha, blessed)) continue;
    const found = await promotedRelease(world, mergeSha);
    if (found !== null && found.step !== "same") return found;
  }
  return null;
}

function stepOf(status: RunStatus): PromotedRelease["step"] | null {
  if (toBeWatched.includes(status)) return "watch";
  return goingBack.includes(status) ? "go-back" : null;
}

/** A way back that did not come up is tried again, unless an operator lets the change be. */
async function stepAgain(
  world: PipelineWorld,
  { status, runId, updatedAt }: RunState,
): Promise<PromotedRelease["step"] | null> {
  if (status !== "rollback-failed") return null;
  return isLiftedSince(await liftedHolds(world.db), runId, updatedAt ?? "") ? null : "go-back";
}

/** The title of a commit of the base that still has to be judged; null where it is, either way. */
export async function titleOfUnjudged(
  world: PipelineWorld,
  sha: string,
  baselineDigest: string,
): Promise<string | null> {
  const runId = await runOfCommit(world.db, sha);
  const state = foldRun(runId, await readRunEvents(world.db, runId));
  if (state.releaseDigest === baselineDigest) return null;
  return stepOf(state.status) === null ? null : (state.title ?? `the base at ${sha}`);
}

/** A base that a person accepted was never verified, so nothing has named its release yet. */
async function builtDigest(world: PipelineWorld, treeSha: string): Promise<string | null> {
  const built = await buildRelease(world, treeSha);
  return built.ok ? built.manifest.releaseDigest : null;
}
