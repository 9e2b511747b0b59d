import { applyChange } from "./apply-change.ts";
import { judgeBase, rememberBase } from "./attestation.ts";
import { pauseForRewrittenBase, whyUnverified } from "./base-verification.ts";
import type { BlockReason } from "./block-reasons.ts";
import { treeOf } from "./git/mirror.ts";
import { DEFAULT_PATCH_BYTES } from "./guard-config.ts";
import { baseToBuildOn } from "./fetch-base.ts";
import { findingsOf } from "./findings-of.ts";
import { appendSelfExtensionEvent } from "./lifecycle-events.ts";
import { loadConfig } from "./load-config.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { refuseChanges, refusePatchText, type Refusal } from "./proposal.ts";
import { noteHostWait } from "./rate-budget.ts";
import { recordBlock } from "./record-outcome.ts";
import { decideRelease } from "./staged-release.ts";
import { showConflict, shownConflict } from "./revert-conflict.ts";
import { readProposal, type ProposedChange, type Staged } from "./staged-change.ts";
import { refuseContents } from "./refuse-contents.ts";
import { runRevertedBy } from "./revert-run.ts";
import { writeStaged } from "./restore-staged.ts";

export type StagingOutcome =
  | { readonly staged: true; readonly change: Staged }
  | { readonly staged: false; readonly reasons: readonly BlockReason[] };

/**
 * Turns a run's patch into one commit whose only parent is the current base, by git plumbing on our
 * own mirror: no work tree, no hooks, nothing of the change is executed. What is refused is recorded
 * as `promotion_blocked` with its reasons; what is staged as `proposed` with base and tree.
 */
export async function stageChange(
  world: PipelineWorld,
  runId: string,
  attempt: number,
): Promise<StagingOutcome> {
  const run = await readProposal(world, runId);
  const block = async (
    refusals: readonly Refusal[],
    more?: Parameters<typeof recordBlock>[5],
  ): Promise<StagingOutcome> => ({
    staged: false,
    reasons: await recordBlock(world, run.context, attempt, "stage", refusals, more),
  });

  const base = await baseToBuildOn(world);
  if ("problem" in base) {
    await noteHostWait(world.db, base.problem);
    return await block([{ reason: base.problem.reason, detail: base.problem.detail }]);
  }
  const baseSha = base.sha;
  const standing = await judgeBase(world, baseSha);
  if (standing === "rewritten") {
    const detail = await pauseForRewrittenBase(world.db, baseSha);
    return await block([{ reason: "base-rewritten", detail }]);
  }
  if (standing === "unverified") {
    const detail = await whyUnverified(world.db, baseSha);
    return await block([{ reason: "base-unverified", detail }]);
  }
  await rememberBase(world.db, baseSha);
  const baseTree = await treeOf(world.mirror, baseSha);
  const config = await loadConfig(world.mirror, baseTree);

  const allowBinary = config.limits?.allowBinary ?? false;
  // What a revert is, the ledger and git say; its patch is only shown.
  const isRevert = (await runRevertedBy(world.db, runId)) !== null;
  const textRefusals = isRevert
    ? []
    : refusePatchText(run.patch.toString("utf8"), {
        patchBytes: config.limits?.patchBytes ?? DEFAULT_PATCH_BYTES,
        allowBinary,
      });
  if (textRefusals.length > 0) return await block(textRefusals);
  const applied = await applyChange(world, runId, run, { sha: baseSha, tree: baseTree });
  if (!applied.applied) {
    const { refusal } = applied;
    if (!applied.conflicts) return await block([refusal]);
    const shown = await showForPerson(world, run, { baseSha, baseTree });
    return "opened" in shown
      ? await block([refusal], { shown: shown.opened })
      : await block([refusal, shown.refusal]);
  }
  const { changes, tree: treeSha, restored } = applied;
  // Bytes that only go back were on the base before.
  const written = changes.filter(({ path }) => !restored.has(path));
  const refusals = [
    ...refuseChanges(changes),
    ...(await refuseContents(world, written, allowBinary)),
  ];
  if (refusals.length > 0) return await block(refusals);
  const findings = await findingsOf(world, { runId, changes, config, baseTree, treeSha, restored });
  const release = await decideRelease(world, {
    context: run.context,
    attempt,
    baseSha,
    baseTree,
    treeSha: applied.tree,
    changes,
    findings,
  });
  if (!release.released) {
    const { refusals: objections, parked } = release;
    return await block(objections, { parked });
  }

  const stagedSha = await writeStaged(world, runId, run, { attempt, tree: applied.tree, baseSha });
  const change: Staged = {
    runId,
    attempt,
    context: run.context,
    title: run.title,
    goal: run.goal,
    baseSha,
    baseTree,
    treeSha: applied.tree,
    stagedSha,
    date: run.date,
    changes,
    config,
    approval: release.approval,
    reverted: applied.reverted,
    restored: applied.restored,
  };
  await appendSelfExtensionEvent(world.db, {
    context: run.context,
    type: "proposed",
    stage: "stage",
    idempotencyKey: `proposed:${attempt}:${stagedSha}`,
    payload: {
      attempt,
      patchDigest: run.patchDigest,
      patchBytes: run.patch.length,
      title: run.title,
      goal: run.goal,
      baseSha,
      treeSha: applied.tree,
      stagedSha,
      changedPaths: changes.map(({ path }) => path),
      approval: release.approval,
    },
  });
  return { staged: true, change };
}

/** The pull request in which a person finishes a revert that conflicts; opened once. */
async function showForPerson(
  world: PipelineWorld,
  run: ProposedChange,
  base: { readonly baseSha: string; readonly baseTree: string },
): ReturnType<typeof showConflict> {
  const known = shownConflict(run.events);
  if (known !== null) return { opened: known };
  return await showConflict(world, { runId: run.context.runId, ...base });
}
