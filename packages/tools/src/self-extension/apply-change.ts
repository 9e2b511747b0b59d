import { applyPatch } from "./git/apply-patch.ts";
import { diffTrees, type TreeChange } from "./git/mirror.ts";
import { patchId } from "./git/patch-id.ts";
import { planRevert, restoredPaths } from "./git/revert-change.ts";
import { goalHeld, heldBy, isLifted, openGoalHolds, openHolds } from "./holds.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import type { Refusal } from "./proposal.ts";
import { revertedBy, type RevertedChange } from "./revert-run.ts";
import type { ProposedChange } from "./staged-change.ts";

export type AppliedChange =
  | {
      readonly applied: true;
      readonly tree: string;
      readonly changes: readonly TreeChange[];
      readonly reverted: RevertedChange | null;
      /** Of a revert: paths that only go back to what was attested before, and need no person. */
      readonly restored: ReadonlySet<string>;
    }
  /** `conflicts`: a person has to finish it, so it is shown on the repository host. */
  | { readonly applied: false; readonly refusal: Refusal; readonly conflicts: boolean };

/**
 * What a run would make of the base: its patch applied, or, for a run that takes a promoted change
 * back, every file of it restored on the base as it stands now. What was rolled back is not applied
 * again until an operator lifts its hold.
 */
export async function applyChange(
  world: PipelineWorld,
  runId: string,
  run: Pick<ProposedChange, "patch" | "goal" | "context">,
  base: { readonly sha: string; readonly tree: string },
): Promise<AppliedChange> {
  const reverted = await revertedBy(world, runId);
  if (reverted !== null) {
    const { before, after, title } = reverted;
    if (await isLifted(world.db, reverted.runId)) {
      return refuse("hold-lifted", `An operator lets "${title}" stay, so it is not taken back.`);
    }
    const planned = await planRevert(world.mirror, { before, after, current: base.tree });
    if (planned.kind === "conflict") {
      const paths = planned.paths.slice(0, 5).join(", ");
      const detail = `A later change touched what "${title}" changed (${paths}), so it is a person's to take back; Jarvis goes on serving the release before it.`;
      return { ...refuse("revert-conflict", detail), conflicts: true };
    }
    if (planned.kind === "nothing-left") {
      return refuse("empty-change", `The base holds nothing of "${title}" any more.`);
    }
    const changes = await diffTrees(world.mirror, base.tree, planned.tree);
    const restored = await restoredPaths(world.mirror, changes, before);
    return { applied: true, tree: planned.tree, changes, reverted, restored };
  }
  const applied = await applyPatch(world.mirror, base.sha, run.patch);
  if (!applied.applied) {
    if (applied.because === "patch-too-large") return refuse(applied.because, applied.message);
    return refuse(
      applied.because,
      `The patch does not apply to the base ${base.sha.slice(0, 12)}; make it again on that commit. git says: ${applied.message}`,
    );
  }
  const asked = { goalId: run.context.goalId, goal: run.goal };
  const paused = goalHeld(await openGoalHolds(world.db), asked);
  if (paused !== null) {
    return refuse(
      "goal-paused",
      `${paused.runIds.length} changes for this goal were rolled back, so it is paused; \`jarvis hold lift ${paused.id} --reason TEXT\` lets it go on.`,
    );
  }
  const held = heldBy(await openHolds(world), {
    treeSha: applied.tree,
    patchId: await patchId(world.mirror, base.tree, applied.tree),
    ...asked,
  });
  if (held !== null) {
    const { hold, because } = held;
    return refuse(
      "held-after-rollback",
      `The same ${because} was rolled back as "${hold.title}" (run ${hold.runId}); \`jarvis hold lift ${hold.runId} --reason TEXT\` lets it be tried again.`,
    );
  }
  const changes = await diffTrees(world.mirror, base.tree, applied.tree);
  return { applied: true, tree: applied.tree, changes, reverted: null, restored: new Set() };
}

function refuse(
  reason: Refusal["reason"],
  detail: string,
): Extract<AppliedChange, { applied: false }> {
  return { applied: false, refusal: { reason, detail }, conflicts: false };
}
