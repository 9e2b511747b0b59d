import { readSafetyState } from "@jarvis/operator-core";
import { rememberBase } from "./attestation.ts";
import { isParking, type BlockReason } from "./block-reasons.ts";
import { statusOf, whenGitHubAnswers } from "./github-client.ts";
import { appendSelfExtensionEvent, readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { decidePromotion, decideSwitches, type ReportedStatus } from "./promotion-gate.ts";
import { getPromotionControlState } from "./promotion-control.ts";
import { promotionHead, type Head } from "./promotion-head.ts";
import { pullRequestText } from "./promotion-text.ts";
import { promotionRemote, type PromotionRemote, type PullRequest } from "./promotion-remote.ts";
import { EVIDENCE_STATUS_CONTEXT } from "./run-result.ts";
import { listEvents } from "./runs.ts";
import { foldRun } from "./run-state.ts";
import { JARVIS_IDENTITY, loadStaged } from "./staged-change.ts";
import type { Verified } from "./verification.ts";

export type PromotionOutcome =
  | { readonly promoted: true; readonly mergeSha: string }
  | { readonly promoted: false; readonly reasons: readonly BlockReason[] };

/**
 * Takes a verified change onto the base: branch, commit, pull request, status, gate, landing. Every
 * mutation is looked for before it is made, so the whole can be repeated after a crash at any point.
 *
 * The promotion pause and the safety mode are read before the first mutation and again immediately
 * before the landing; a run that is blocked by them at the first reading has mutated nothing.
 */
export async function promoteChange(
  world: PipelineWorld,
  verified: Verified,
  attempt: number,
): Promise<PromotionOutcome> {
  const { runId } = verified.change;
  const state = foldRun(runId, await readRunEvents(world.db, runId));
  if (state.status === "blocked" || state.status === "failed") {
    // A step that is repeated after a crash finds the end it wrote; nothing may land after it.
    return { promoted: false, reasons: state.blockReasons };
  }
  const remote = promotionRemote(world.github);
  const head = await promotionHead(world, verified.change, verified.evidenceDigest);
  const answer = await whenGitHubAnswers(async () => {
    // A landing that took effect just before a crash is a fact; no switch can undo it.
    if (await hasLanded(remote, head.sha))
      return await recordLanding(world, verified, remote, head, attempt);
    return await promoteSteps(world, verified, remote, head, attempt);
  });
  if (answer.answered) return answer.value;
  return await block(world, verified, attempt, head, null, {
    reasons: ["github-not-connected"],
    detail: answer.problem,
  });
}

async function promoteSteps(
  world: PipelineWorld,
  verified: Verified,
  remote: PromotionRemote,
  head: Head,
  attempt: number,
): Promise<PromotionOutcome> {
  const { change } = verified;
  // First guard: a paused run makes no GitHub mutation at all (promotion-paused).
  const switches = decideSwitches(await readSwitches(world));
  if (switches.length > 0) {
    return await block(world, verified, attempt, head, null, {
      reasons: switches.map(({ reason }) => reason),
      detail: switches.map(({ detail }) => detail).join(" "),
    });
  }
  const currentBase = await remote.readBase();
  if (currentBase !== change.baseSha) {
    return { promoted: false, reasons: ["base-moved"] };
  }
  world.progress(change.runId, "promote: branch and pull request");
  await removeLeftBranch(world, remote);
  await abandonEarlier(world, verified, remote, head);
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
    return await block(world, verified, attempt, head, null, {
      reasons: ["tree-mismatch"],
      detail: `The repository host made commit ${uploaded} of what must be ${head.sha}.`,
    });
  }
  const occupant = await remote.ensureBranch(head.branch, head.sha);
  if (occupant !== head.sha) {
    return await block(world, verified, attempt, head, null, {
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
  return await land(world, verified, remote, head, pullRequest, attempt);
}

async function land(
  world: PipelineWorld,
  verified: Verified,
  remote: PromotionRemote,
  head: Head,
  pullRequest: PullRequest,
  attempt: number,
): Promise<PromotionOutcome> {
  const { change } = verified;
  const landing = change.config.landing ?? "fast-forward";
  const protection = await remote.readProtection();
  const statuses: readonly ReportedStatus[] = await remote.readStatuses(head.sha);
  const currentBaseSha = await remote.readBase();
  world.progress(change.runId, "promote: gate");
  // Second guard: pause and mode are read last, immediately before the merge (promotion-paused).
  const decision = decidePromotion({
    requiredContexts: protection?.contexts,
    statuses,
    verifiedBaseSha: change.baseSha,
    currentBaseSha,
    landing,
    strict: protection?.strict ?? false,
    ...(await readSwitches(world)),
  });
  if (!decision.promote) {
    if (decision.reasons.length === 1 && decision.reasons[0] === "base-moved") {
      await remote.abandon(head.branch, head.sha);
      return { promoted: false, reasons: ["base-moved"] };
    }
    return await block(world, verified, attempt, head, pullRequest, decision);
  }
  world.progress(change.runId, "promote: landing");
  try {
    if (landing === "fast-forward") await remote.fastForwardBase(head.sha);
    else await remote.merge(pullRequest.number, head.sha);
  } catch (error) {
    const refusal = landingRefusal(error);
    if (refusal === null) throw error;
    // A refused landing may have been overtaken by someone else's push, or be our own from before.
    if (!(await hasLanded(remote, head.sha))) {
      if (refusal === "base-moved") {
        await remote.abandon(head.branch, head.sha);
        return { promoted: false, reasons: ["base-moved"] };
      }
      return await block(world, verified, attempt, head, pullRequest, {
        reasons: [refusal],
        detail: `The repository host refused the landing: ${messageOf(error)}`,
        mergeError: messageOf(error),
      });
    }
  }
  return await recordLanding(world, verified, remote, head, attempt);
}

/** Reads back what landed before anything is believed, then writes `promoted` and clears the branch. */
async function recordLanding(
  world: PipelineWorld,
  verified: Verified,
  remote: PromotionRemote,
  head: Head,
  attempt: number,
): Promise<PromotionOutcome> {
  const { change } = verified;
  const pullRequest = await remote.findPullRequest(head.branch);
  const mergeSha = await remote.landedAs(head.sha);
  const landedTree = mergeSha === null ? null : await remote.treeOf(mergeSha);
  if (mergeSha === null || landedTree !== change.treeSha || pullRequest === null) {
    return await block(world, verified, attempt, head, pullRequest, {
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
    await remote.deleteBranch(head.branch, head.sha);
  } catch {
    // The promotion is a fact and recorded. What is left behind is harmless and tidied by the next
    // run: an older pointer, and a branch at a commit that is on the base.
    world.progress(change.runId, `promote: the branch ${head.branch} could not be removed`);
  }
  return { promoted: true, mergeSha };
}

/** Removes the branch of the last promotion where the host was away when it had landed. */
async function removeLeftBranch(world: PipelineWorld, remote: PromotionRemote): Promise<void> {
  const [last] = await listEvents(world.db, { type: "promoted", limit: 1 });
  if (last?.type === "promoted") {
    await remote.deleteBranch(last.payload.branchName, last.payload.headSha);
  }
}

/** Closes what earlier rounds of this run left on the host when the base moved under them. */
async function abandonEarlier(
  world: PipelineWorld,
  verified: Verified,
  remote: PromotionRemote,
  current: Head,
): Promise<void> {
  const { runId } = verified.change;
  let stagedSha: string | null = null;
  for (const event of await readRunEvents(world.db, runId)) {
    if (event.type === "proposed") stagedSha = event.payload.stagedSha;
    if (event.type !== "tested" || stagedSha === null) continue;
    const { passed, evidenceDigest } = event.payload;
    if (!passed || evidenceDigest === null) continue;
    const earlier = await promotionHead(
      world,
      await loadStaged(world, runId, stagedSha),
      evidenceDigest,
    );
    if (earlier.sha !== current.sha) await remote.abandon(earlier.branch, earlier.sha);
  }
}

async function hasLanded(remote: PromotionRemote, headSha: string): Promise<boolean> {
  return (await remote.landedAs(headSha)) !== null;
}

async function readSwitches(world: PipelineWorld) {
  const control = await getPromotionControlState(world.db);
  const safety = await readSafetyState(world.db);
  return { paused: control.paused, pauseReason: control.reason, mode: safety.mode };
}

async function block(
  world: PipelineWorld,
  verified: Verified,
  attempt: number,
  head: Head,
  pullRequest: PullRequest | null,
  decision: { reasons: readonly BlockReason[]; detail: string; mergeError?: string },
): Promise<PromotionOutcome> {
  await appendSelfExtensionEvent(world.db, {
    context: verified.change.context,
    type: "promotion_blocked",
    stage: "promote",
    idempotencyKey: `blocked:${attempt}:promote`,
    payload: {
      attempt,
      reasons: [...decision.reasons],
      detail: decision.detail,
      ...(decision.mergeError === undefined ? {} : { mergeError: decision.mergeError }),
      parked: isParking(decision.reasons),
      branchName: pullRequest === null ? null : head.branch,
      headSha: pullRequest === null ? null : head.sha,
      pullRequestNumber: pullRequest?.number ?? null,
      pullRequestUrl: pullRequest?.url ?? null,
    },
  });
  return { promoted: false, reasons: decision.reasons };
}

/** What a clear refusal of the landing means; null for an error that is no refusal. */
function landingRefusal(error: unknown): BlockReason | null {
  const status = statusOf(error);
  if (status === 409) return "base-moved";
  if (status !== 405 && status !== 422) return null;
  const text = error instanceof Error ? error.message : "";
  if (/fast.forward|reference .*(update|expected)|Base branch was modified/i.test(text))
    return "base-moved";
  return /status/i.test(text) ? "status-failing" : "landing-refused";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
