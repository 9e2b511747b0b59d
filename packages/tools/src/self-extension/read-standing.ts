import { readSafetyState } from "@jarvis/operator-core";
import { judgeBase, lastSeenBase } from "./attestation.ts";
import { fetchedBranch, hasCommit, isAncestor, treeOf } from "./git/mirror.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { getPromotionControlState } from "./promotion-control.ts";
import { foldRun, type RunState } from "./run-state.ts";
import { openRuns } from "./runs.ts";
import { unrevertedOn } from "./serving-gate.ts";
import { listHolds } from "./standing-holds.ts";
import type { Standing, StandingRun } from "./way-out.ts";

/** Reads what `wayOut` judges by, as a kernel sees it. Nothing is asked of the repository host. */
export async function readStanding(
  world: Pick<PipelineWorld, "db" | "mirror" | "github" | "room" | "checkSandbox">,
  servingProblem: string | null,
): Promise<Standing> {
  const { db, mirror } = world;
  const sandbox = await world.checkSandbox();
  const control = await getPromotionControlState(db);
  const base = await readBase(world, control);
  const safety = await readSafetyState(db);
  return {
    kernel: "answers",
    room: await world.room(),
    sandbox: {
      available: sandbox.available,
      message: sandbox.available ? null : sandbox.message,
    },
    mode: safety.mode,
    killed: safety.trusted && safety.killSwitch === true,
    paused: control.paused,
    base,
    servingProblem,
    holds: await listHolds(world),
    unreverted: base === null ? null : await readUnreverted(world, await treeOf(mirror, base.sha)),
    runs: (await openRuns(db)).filter(({ status }) => status === "parked").map(asStanding),
  };
}

/**
 * The base as it was fetched last. What was promoted since is newer than that; where the base was
 * taken back to an older commit instead, promotion was paused for it.
 */
async function readBase(
  world: Pick<PipelineWorld, "db" | "mirror" | "github">,
  control: { readonly paused: boolean; readonly reason: string },
): Promise<Standing["base"]> {
  const fetched = await fetchedBranch(world.mirror, world.github.baseBranch);
  const last = await lastSeenBase(world.db);
  if (fetched === null) return null;
  const isRewound = control.paused && control.reason.startsWith("base-rewritten");
  const isOlder =
    last !== null &&
    (await hasCommit(world.mirror, last)) &&
    (await isAncestor(world.mirror, fetched, last));
  const sha = isOlder && !isRewound ? last : fetched;
  return { sha, standing: await judgeBase(world, sha) };
}

async function readUnreverted(
  world: Pick<PipelineWorld, "db" | "mirror">,
  tree: string,
): Promise<Standing["unreverted"]> {
  const left = await unrevertedOn(world, tree);
  if (left === null) return null;
  const { runId: id, title } = left;
  const { rollback } = foldRun(id, await readRunEvents(world.db, id));
  const revertId = rollback?.runId ?? null;
  if (revertId === null) return { id, title, revert: null };
  const revert = foldRun(revertId, await readRunEvents(world.db, revertId));
  const hasEnded = revert.status === "blocked" || revert.status === "failed";
  return { id, title, revert: hasEnded ? null : asStanding(revert) };
}

function asStanding({ runId, blockReasons, pullRequestUrl }: RunState): StandingRun {
  return { runId, blockReasons, pullRequestUrl };
}
