import { applyChange } from "./apply-change.ts";
import { judgeBase, rememberBase } from "./attestation.ts";
import { pauseForRewrittenBase, whyUnverified } from "./base-verification.ts";
import { isParking, type BlockReason } from "./block-reasons.ts";
import { treeOf } from "./git/mirror.ts";
import { DEFAULT_PATCH_BYTES } from "./guard-config.ts";
import { readImportGraph } from "./import-graph.ts";
import { baseToBuildOn } from "./fetch-base.ts";
import { appendSelfExtensionEvent, type LifecyclePayload } from "./lifecycle-events.ts";
import { loadConfig } from "./load-config.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { refuseChanges, refusePatchText, type Refusal } from "./proposal.ts";
import { irreversibleMigrations } from "./migration-gate.ts";
import { findProtected, type ProtectionFinding } from "./protected-paths.ts";
import { noteHostWait } from "./rate-budget.ts";
import { recordBlock } from "./record-outcome.ts";
import { decideRelease } from "./staged-release.ts";
import { showConflict, shownConflict } from "./revert-conflict.ts";
import { readProposal, type ProposedChange, type Staged } from "./staged-change.ts";
import { refuseContents } from "./refuse-contents.ts";
import { runRevertedBy } from "./revert-run.ts";
import { writeStaged } from "./restore-staged.ts";
import { verdictOf } from "./verdict.ts";
import type { Evidence } from "./evidence.ts";
import { MIGRATION_IRREVERSIBLE } from "./verification/migration-stage.ts";

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
  const block = async (refusals: readonly Refusal[]): Promise<StagingOutcome> =>
    await recordBlock(world, run.context, attempt, "stage", refusals);

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
    return applied.conflicts
      ? await blockShown(world, run, { attempt, baseSha, baseTree, refusal: applied.refusal })
      : await block([applied.refusal]);
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
    return await recordBlock(world, run.context, attempt, "stage", objections, { parked });
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

/** Blocks a revert that conflicts, with the pull request in which a person finishes it. */
async function blockShown(
  world: PipelineWorld,
  run: ProposedChange,
  at: { attempt: number; baseSha: string; baseTree: string; refusal: Refusal },
): Promise<StagingOutcome> {
  const { attempt, baseSha, baseTree, refusal } = at;
  const { runId } = run.context;
  const known = shownConflict(run.events);
  const shown =
    known === null ? await showConflict(world, { runId, baseSha, baseTree }) : { opened: known };
  const refusals = "opened" in shown ? [refusal] : [refusal, shown.refusal];
  return await recordBlock(world, run.context, attempt, "stage", refusals, {
    shown: "opened" in shown ? shown.opened : null,
  });
}

/** What of a change only a person lets pass. */
async function findingsOf(
  { db, mirror }: PipelineWorld,
  change: Pick<Staged, "runId" | "changes" | "config" | "baseTree" | "treeSha" | "restored">,
): Promise<ProtectionFinding[]> {
  const { changes, config, baseTree, treeSha, restored } = change;
  const touched = findProtected({
    changes,
    config,
    base: await readImportGraph(mirror, baseTree),
    candidate: await readImportGraph(mirror, treeSha),
  });
  return [
    // What only goes back to attested bytes was let pass before.
    ...touched.filter(({ path }) => !restored.has(path)),
    ...(await irreversibleMigrations(db, change)),
  ];
}

/** Writes the verdict of verification as `tested`, and what it means where it says no. */
export async function recordVerdict(
  world: PipelineWorld,
  change: Staged,
  evidence: Evidence,
  evidenceDigest: string,
): Promise<{ blocked: readonly BlockReason[] }> {
  return await repeatVerdict(world, change, verdictOf(change, evidence, evidenceDigest));
}

/**
 * Writes a verdict that is known already, for a step that is repeated after a crash or an attempt
 * that staged the same commit again: every attempt that goes on has its own `tested` before it.
 */
export async function repeatVerdict(
  world: PipelineWorld,
  change: Staged,
  verdict: LifecyclePayload<"tested">,
): Promise<{ blocked: readonly BlockReason[] }> {
  await appendSelfExtensionEvent(world.db, {
    context: change.context,
    type: "tested",
    stage: "verify",
    idempotencyKey: `tested:${change.attempt}:${change.stagedSha}`,
    payload: { ...verdict, attempt: change.attempt },
  });
  if (verdict.passed) return { blocked: [] };
  const failed = verdict.stages.find((stage) => stage.status !== "passed");
  const sentence = `Stage ${failed?.name ?? "unknown"}: ${verdict.reason ?? "no verdict"}.`;
  if (failed?.status === "error" && change.reverted === null) {
    // No trustworthy exit status is nobody's verdict: it ends the run and blames no change.
    await appendSelfExtensionEvent(world.db, {
      context: change.context,
      type: "failed",
      stage: "verify",
      idempotencyKey: `failed:${change.attempt}`,
      payload: {
        attempt: change.attempt,
        category: "infrastructure",
        reason: sentence,
        code: failed.category,
      },
    });
    return { blocked: [] };
  }
  if (failed?.category === MIGRATION_IRREVERSIBLE) return await askAPerson(world, change, sentence);
  const reason: BlockReason =
    failed?.category === "aborted"
      ? "kill-switch-active"
      : failed?.status === "error"
        ? "revert-failed"
        : failed?.category === "verdict-not-trusted"
          ? "verdict-not-trusted"
          : "isolated-verification-failed";
  const parked = isParking([reason], { isRevert: change.reverted !== null });
  const refusals = [{ reason, detail: sentence }];
  await recordBlock(world, change.context, change.attempt, "verify", refusals, { parked });
  return { blocked: [reason] };
}

/** What verification found and a person may let pass all the same: asked for like what staging finds. */
async function askAPerson(
  world: PipelineWorld,
  change: Staged,
  sentence: string,
): Promise<{ blocked: readonly BlockReason[] }> {
  const { context, attempt } = change;
  const findings = await findingsOf(world, change);
  const release = await decideRelease(world, { ...change, findings });
  const found = { reason: MIGRATION_IRREVERSIBLE, detail: sentence } as const;
  const { reasons } = release.released
    ? await recordBlock(world, context, attempt, "verify", [found])
    : await recordBlock(world, context, attempt, "verify", release.refusals, release);
  return { blocked: reasons };
}
