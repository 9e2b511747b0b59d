import { judgeBase, rememberBase } from "./attestation.ts";
import type { BlockReason } from "./block-reasons.ts";
import { applyPatch } from "./git/apply-patch.ts";
import {
  diffTrees,
  fetchBranch,
  keepCommit,
  readBlobs,
  treeOf,
  writeCommit,
  type TreeChange,
} from "./git/mirror.ts";
import { whenGitHubAnswers } from "./github-client.ts";
import { DEFAULT_PATCH_BYTES } from "./guard-config.ts";
import { readImportGraph } from "./import-graph.ts";
import { appendSelfExtensionEvent, type LifecyclePayload } from "./lifecycle-events.ts";
import { loadConfig } from "./load-config.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { getPromotionControlState, setPromotionControlState } from "./promotion-control.ts";
import { refuseChanges, refuseContent, refusePatchText, type Refusal } from "./proposal.ts";
import { findProtected } from "./protected-paths.ts";
import { recordBlock } from "./record-outcome.ts";
import { JARVIS_IDENTITY, readProposal, type Staged } from "./staged-change.ts";
import { inertLine } from "./text-fence.ts";
import type { Evidence } from "./evidence.ts";

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

  const fetched = await whenGitHubAnswers(() =>
    fetchBranch(
      world.mirror,
      { url: world.github.gitUrl, authorization: world.github.gitAuthorization },
      world.github.baseBranch,
    ),
  );
  if (!fetched.answered) {
    return await block([{ reason: "github-not-connected", detail: fetched.problem }]);
  }
  const baseSha = fetched.value;
  const standing = await judgeBase(world, baseSha);
  if (standing === "rewritten") return await block([await pauseForRewrittenBase(world, baseSha)]);
  if (standing === "unverified") {
    return await block([
      {
        reason: "base-unverified",
        detail: `The base ${baseSha} was neither verified by Jarvis nor accepted; look at it and run \`jarvis accept ${baseSha}\`.`,
      },
    ]);
  }
  await rememberBase(world.db, baseSha);
  const baseTree = await treeOf(world.mirror, baseSha);
  const config = await loadConfig(world.mirror, baseTree);

  const allowBinary = config.limits?.allowBinary ?? false;
  const textRefusals = refusePatchText(run.patch.toString("utf8"), {
    patchBytes: config.limits?.patchBytes ?? DEFAULT_PATCH_BYTES,
    allowBinary,
  });
  if (textRefusals.length > 0) return await block(textRefusals);
  const applied = await applyPatch(world.mirror, baseSha, run.patch);
  if (!applied.applied) {
    return await block([
      {
        reason: "does-not-apply",
        detail: `The patch does not apply to the base ${baseSha.slice(0, 12)}; make it again on that commit. git says: ${applied.message}`,
      },
    ]);
  }
  const changes = await diffTrees(world.mirror, baseTree, applied.tree);
  const refusals = [
    ...refuseChanges(changes),
    ...(await refuseContents(world, changes, allowBinary)),
  ];
  if (refusals.length > 0) return await block(refusals);
  const findings = findProtected({
    changes,
    config,
    base: await readImportGraph(world.mirror, baseTree),
    candidate: await readImportGraph(world.mirror, applied.tree),
  });
  if (findings.length > 0) {
    return await block(
      findings.map(({ reason, path, why }) => ({ reason, detail: `${path}: ${why}.` })),
    );
  }

  const stagedSha = await writeCommit(world.mirror, {
    tree: applied.tree,
    parents: [baseSha],
    identity: JARVIS_IDENTITY,
    date: run.date,
    message: `${inertLine(run.title)}\n\nJarvis-Run: ${runId}\n`,
  });
  await keepCommit(world.mirror, `${runId}-${attempt}`, stagedSha);
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
    },
  });
  return { staged: true, change };
}

/** Writes the verdict of verification as `tested`, and what it means where it says no. */
export async function recordVerdict(
  world: PipelineWorld,
  change: Staged,
  evidence: Evidence,
  evidenceDigest: string,
): Promise<{ blocked: readonly BlockReason[] }> {
  const failed = evidence.stages.find((stage) => stage.status !== "passed");
  return await repeatVerdict(world, change, {
    attempt: change.attempt,
    attestation: "verified",
    passed: evidence.verdict === "passed",
    baseSha: change.baseSha,
    treeSha: change.treeSha,
    evidenceDigest,
    releaseDigest: evidence.releaseDigest,
    testEvidence: evidence.testEvidence,
    stages: evidence.stages.map(({ name, status, durationMs, category, reason }) => ({
      name,
      status,
      durationMs,
      category,
      reason,
    })),
    reason: failed?.reason ?? null,
  });
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
  if (failed?.status === "error") {
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
  const reason: BlockReason =
    failed?.category === "aborted"
      ? "kill-switch-active"
      : failed?.category === "verdict-not-trusted"
        ? "verdict-not-trusted"
        : "isolated-verification-failed";
  await recordBlock(world, change.context, change.attempt, "verify", [
    { reason, detail: sentence },
  ]);
  return { blocked: [reason] };
}

async function refuseContents(
  world: Pick<PipelineWorld, "mirror">,
  changes: readonly TreeChange[],
  allowBinary: boolean,
): Promise<Refusal[]> {
  const written = changes.filter(
    ({ newSha, newMode }) => newSha !== null && newMode?.startsWith("100"),
  );
  const blobs = await readBlobs(
    world.mirror,
    written.map(({ newSha }) => newSha ?? ""),
  );
  return written.flatMap(({ path, newSha }) =>
    refuseContent(path, blobs.get(newSha ?? "") ?? Buffer.alloc(0), { allowBinary }),
  );
}

async function pauseForRewrittenBase(world: PipelineWorld, baseSha: string): Promise<Refusal> {
  const detail = `The base ${baseSha} does not descend from the base last seen; look at its history, then run \`jarvis accept ${baseSha}\` and \`jarvis resume\`.`;
  // A pause that stands is left as it is: its reason is a person's, and each attempt comes by here.
  const control = await getPromotionControlState(world.db);
  if (control.paused && control.problem === null) return { reason: "base-rewritten", detail };
  await setPromotionControlState(world.db, {
    paused: true,
    reason: `base-rewritten: ${detail}`,
    updatedBy: "system",
  });
  return { reason: "base-rewritten", detail };
}
