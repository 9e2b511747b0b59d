import { attestationRunId } from "./attestation.ts";
import { planRevert } from "./git/revert-change.ts";
import { heldRuns, isLiftedSince, liftedHolds } from "./holds.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import { promotedChange, revertedBy, runRevertedBy, runThatPromoted } from "./revert-run.ts";
import { foldRun } from "./run-state.ts";
import type { Staged } from "./staged-change.ts";

/** What runs, as far as it keeps the next change from landing; titles for people, null for nothing. */
export interface ServingFacts {
  /** A change that was promoted and is still watched: one at a time, or none could be blamed. */
  readonly watched: string | null;
  /** A change that was rolled back and that the base still holds something of. */
  readonly unreverted: string | null;
  /** Whether this is the revert itself: it is what everything else waits for, and no pause holds it. */
  readonly isRevert: boolean;
}

/** Read before the first mutation and again immediately before the landing, like the switches. */
export async function readServingFacts(
  world: PipelineWorld,
  change: Pick<Staged, "runId" | "baseSha" | "baseTree">,
): Promise<ServingFacts> {
  if ((await revertedBy(world, change.runId)) !== null) {
    return { watched: null, unreverted: null, isRevert: true };
  }
  const watched = await world.unblessed();
  const degraded = await degradedBase(world.db, change.baseSha);
  const unreverted = degraded ?? (await unrevertedOn(world, change.baseTree));
  return { watched, unreverted: unreverted?.title ?? null, isRevert: false };
}

/**
 * A base that does not serve although it is the newest: what is built upon it would not either,
 * until an operator lets it be. Null where it serves, or nobody has seen it serve yet.
 */
export async function degradedBase(
  db: PipelineWorld["db"],
  baseSha: string,
): Promise<{ readonly runId: string; readonly title: string; readonly since: string } | null> {
  const promotedBy = await runThatPromoted(db, baseSha);
  const runId = promotedBy ?? attestationRunId(baseSha);
  const { status, title, updatedAt } = foldRun(runId, await readRunEvents(db, runId));
  // What a run of ours brought is taken back by a revert, and counts until that has landed. What came
  // from outside, and a revert that serves badly itself, nobody takes back.
  const isNobodys = promotedBy === null || (await runRevertedBy(db, promotedBy)) !== null;
  const isLeft = status === "rollback-failed" || (isNobodys && status === "rolled-back");
  const since = updatedAt ?? "";
  if (!isLeft || isLiftedSince(await liftedHolds(db), runId, since)) return null;
  return { runId, title: title ?? `the commit ${baseSha}`, since };
}

/** The first rolled back change that a tree still holds something of; null where it holds none. */
export async function unrevertedOn(
  world: Pick<PipelineWorld, "db" | "mirror">,
  current: string,
): Promise<{ readonly runId: string; readonly title: string } | null> {
  for (const { runId, title } of await heldRuns(world.db)) {
    const promoted = await promotedChange(world, runId);
    if (promoted === null) continue;
    const { before, after } = promoted;
    const plan = await planRevert(world.mirror, { before, after, current });
    if (plan.kind !== "nothing-left") return { runId, title };
  }
  return null;
}
