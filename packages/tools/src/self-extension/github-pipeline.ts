import {
  readSafetyState,
  requirePermit,
  type ActionContext,
  type ExecutionPermit,
} from "@jarvis/operator-core";
import { rememberBase } from "./attestation.ts";
import { whenGitHubAnswers } from "./github-client.ts";
import { appendSelfExtensionEvent, readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { decidePromotion, decideSwitches, type ReportedStatus } from "./promotion-gate.ts";
import { getPromotionControlState } from "./promotion-control.ts";
import { removeLeftovers } from "./promotion-leftovers.ts";
import { pullRequestText } from "./promotion-text.ts";
import type { PullRequest } from "./promotion-remote.ts";
import {
  beginPromotion,
  hasLanded,
  landingRefusal,
  recordPromotionBlock,
  type Promotion,
  type PromotionOutcome,
} from "./promotion-outcome.ts";
import { EVIDENCE_STATUS_CONTEXT } from "./run-result.ts";
import { foldRun } from "./run-state.ts";
import { readServingFacts } from "./serving-gate.ts";
import { JARVIS_IDENTITY } from "./staged-change.ts";
import type { Verified } from "./verification.ts";

/** What the executor gives an action that it runs: without it nothing here changes the host. */
export type PromotionPermission = Pick<ActionContext, "permit" | "proposalId" | "signal">;

/** The promotion was told to stop, and did so before its first mutation or before the landing. */
export class PromotionStopped extends Error {
  override readonly name = "PromotionStopped";
}

/**
 * Takes a verified change onto the base: branch, commit, pull request, status, gate, landing. Every
 * mutation is looked for before it is made, so the whole can be repeated after a crash at any point.
 *
 * The promotion pause and the safety mode are read before the first mutation and again immediately
 * before the landing; a run that is blocked by them at the first reading has mutated nothing. An
 * order to stop is looked at in the same two places: no mutation is torn without reading back.
 * What keeps it from landing is in the ledger as `promotion_blocked`.
 * @throws PromotionStopped
 */
export async function promoteChange(
  world: PipelineWorld,
  verified: Verified,
  attempt: number,
  permission: PromotionPermission,
): Promise<PromotionOutcome> {
  requirePermit(permission.permit, permission.proposalId);
  const { runId } = verified.change;
  const state = foldRun(runId, await readRunEvents(world.db, runId));
  if (state.status === "blocked" || state.status === "failed") {
    // A step that is repeated after a crash finds the end it wrote; nothing may land after it.
    return { promoted: false, reasons: state.blockReasons };
  }
  const promotion = await beginPromotion(world, verified, attempt);
  const answer = await whenGitHubAnswers(async () => {
    // A landing that took effect just before a crash is a fact; no switch can undo it.
    if (await hasLanded(promotion)) return await recordLanding(promotion, permission.permit);
    return await promoteSteps(promotion, permission);
  });
  if (answer.answered) return answer.value;
  return await recordPromotionBlock(promotion, null, {
    reasons: ["github-not-connected"],
    detail: answer.problem,
  });
}

/**
 * What can be said about a promotion without changing anything on the host: null where it has to be
 * tried. A landing that took effect and was never recorded is recorded here, whatever the switches.
 */
export async function readBackLanding(
  world: PipelineWorld,
  verified: Verified,
  attempt: number,
): Promise<PromotionOutcome | null> {
  const promotion = await beginPromotion(world, verified, attempt);
  const answer = await whenGitHubAnswers(async () =>
    (await hasLanded(promotion)) ? await recordLanding(promotion, null) : null,
  );
  return answer.answered ? answer.value : null;
}

async function promoteSteps(
  promotion: Promotion,
  permission: PromotionPermission,
): Promise<PromotionOutcome> {
  const { world, verified, remote, head } = promotion;
  const { change } = verified;
  // First guard: a paused run makes no GitHub mutation at all (promotion-paused).
  const switches = await readSwitches(world);
  stopWhereTold(permission.signal, switches.killed);
  const serving = await readServingFacts(world, change);
  const closed = decideSwitches({ ...switches, ...serving });
  if (closed.length > 0) {
    return await recordPromotionBlock(promotion, null, {
      reasons: closed.map(({ reason }) => reason),
      detail: closed.map(({ detail }) => detail).join(" "),
    });
  }
  const currentBase = await remote.readBase();
  if (currentBase !== change.baseSha) {
    return { promoted: false, reasons: ["base-moved"] };
  }
  stopWhereTold(permission.signal);
  world.progress(change.runId, "promote: branch and pull request");
  await removeLeftovers(world, remote, { runId: change.runId, head }, permission.permit);
  const uploaded = await remote.uploadCommit(world.mirror, {
    sha: head.sha,
    tree: change.treeSha,
    baseTree: change.baseTree,
    parent: change.baseSha,
    identity: JARVIS_IDENTITY,
    date: change.date,
    message: head.message,
    changes: change.changes,
  });
  if (uploaded !== head.sha) {
    return await recordPromotionBlock(promotion, null, {
      reasons: ["tree-mismatch"],
      detail: `The repository host made commit ${uploaded} of what must be ${head.sha}.`,
    });
  }
  const occupant = await remote.ensureBranch(head.branch, head.sha);
  if (occupant !== head.sha) {
    return await recordPromotionBlock(promotion, null, {
      reasons: ["branch-occupied"],
      detail: `The branch ${head.branch} stands at ${occupant}, expected ${head.sha}; remove it and propose again.`,
    });
  }
  const pullRequest = await remote.ensurePullRequest(head.branch, pullRequestText(verified));
  await remote.ensureStatus(head.sha, {
    context: EVIDENCE_STATUS_CONTEXT,
    state: "success",
    description: `Verified in the sandbox; evidence ${verified.evidenceDigest.slice(0, 71)}`,
    targetUrl: pullRequest.url,
  });
  return await land(promotion, pullRequest, permission);
}

async function land(
  promotion: Promotion,
  pullRequest: PullRequest,
  permission: PromotionPermission,
): Promise<PromotionOutcome> {
  const { world, verified, remote, head } = promotion;
  const { change } = verified;
  const landing = change.config.landing ?? "fast-forward";
  const protection = await remote.readProtection();
  const statuses: readonly ReportedStatus[] = await remote.readStatuses(head.sha);
  const currentBaseSha = await remote.readBase();
  world.progress(change.runId, "promote: gate");
  const serving = await readServingFacts(world, change);
  // Second guard: pause and mode are read last, immediately before the merge (promotion-paused).
  const switches = await readSwitches(world);
  stopWhereTold(permission.signal, switches.killed);
  const decision = decidePromotion({
    requiredContexts: protection?.contexts,
    statuses,
    verifiedBaseSha: change.baseSha,
    currentBaseSha,
    landing,
    strict: protection?.strict ?? false,
    ...serving,
    ...switches,
  });
  if (!decision.promote) {
    if (decision.reasons.length === 1 && decision.reasons[0] === "base-moved") {
      await remote.abandon(head.branch, head.sha);
      return { promoted: false, reasons: ["base-moved"] };
    }
    return await recordPromotionBlock(promotion, pullRequest, decision);
  }
  world.progress(change.runId, "promote: landing");
  try {
    if (landing === "fast-forward") await remote.fastForwardBase(head.sha);
    else await remote.merge(pullRequest.number, head.sha);
  } catch (error) {
    const refusal = landingRefusal(error);
    if (refusal === null) throw error;
    // A refused landing may have been overtaken by someone else's push, or be our own from before.
    if (!(await hasLanded(promotion))) {
      if (refusal.reason === "base-moved") {
        await remote.abandon(head.branch, head.sha);
        return { promoted: false, reasons: ["base-moved"] };
      }
      return await recordPromotionBlock(promotion, pullRequest, {
        reasons: [refusal.reason],
        detail: `The repository host refused the landing: ${refusal.message}`,
        mergeError: refusal.message,
      });
    }
  }
  return await recordLanding(promotion, permission.permit);
}

/** Reads back what landed before anything is believed, then writes `promoted` and clears the branch. */
async function recordLanding(
  promotion: Promotion,
  permit: ExecutionPermit | null,
): Promise<PromotionOutcome> {
  const { world, verified, attempt, remote, head } = promotion;
  const { change } = verified;
  const pullRequest = await remote.findPullRequest(head.branch);
  const mergeSha = await remote.landedAs(head.sha);
  const landedTree = mergeSha === null ? null : await remote.treeOf(mergeSha);
  if (mergeSha === null || landedTree !== change.treeSha || pullRequest === null) {
    return await recordPromotionBlock(promotion, pullRequest, {
      reasons: ["tree-mismatch"],
      detail: `The base holds tree ${landedTree ?? "none"} after the landing, verified was ${change.treeSha}; look at the base before resuming.`,
    });
  }
  await appendSelfExtensionEvent(world.db, {
    context: change.context,
    type: "promoted",
    stage: "promote",
    idempotencyKey: "promoted",
    payload: {
      attempt,
      baseSha: change.baseSha,
      treeSha: change.treeSha,
      headSha: head.sha,
      mergeSha,
      branchName: head.branch,
      pullRequestNumber: pullRequest.number,
      pullRequestUrl: pullRequest.url,
      evidenceDigest: verified.evidenceDigest,
      releaseDigest: verified.evidence.releaseDigest,
    },
  });
  try {
    await rememberBase(world.db, mergeSha);
    // Without a permit nothing on the host is touched; the next promotion removes the branch.
    if (permit !== null) await remote.deleteBranch(head.branch, head.sha);
  } catch {
    // The promotion is a fact and recorded. What is left behind is harmless and tidied by the next
    // run: an older pointer, and a branch at a commit that is on the base.
    world.progress(change.runId, `promote: the branch ${head.branch} could not be removed`);
  }
  return { promoted: true, mergeSha };
}

function stopWhereTold(signal: AbortSignal, killed = false): void {
  if (signal.aborted || killed) throw new PromotionStopped("the promotion was told to stop");
}

/** The promotion pause and the safety mode, each by its own; `killed` while the kill switch is on. */
export async function readSwitches(world: PipelineWorld) {
  const control = await getPromotionControlState(world.db);
  const safety = await readSafetyState(world.db);
  const killed = safety.trusted && safety.killSwitch === true;
  return { paused: control.paused, pauseReason: control.reason, mode: safety.mode, killed };
}
