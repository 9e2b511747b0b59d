import {
  readSafetyState,
  requirePermit,
  type ActionContext,
  type ExecutionPermit,
} from "@jarvis/operator-core";
import { attestPromotion } from "./attest-promotion.ts";
import { rememberBase } from "./attestation.ts";
import { whenGitHubAnswers } from "./github-client.ts";
import { parkForHost } from "./host-block.ts";
import { requireSealed } from "./ledger-seal.ts";
import { appendSelfExtensionEvent } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import {
  decidePromotion,
  decideSwitches,
  inOneBlock,
  type PromotionDecision,
  type ReportedStatus,
} from "./promotion-gate.ts";
import { getPromotionControlState, setPromotionControlState } from "./promotion-control.ts";
import { promotionFence } from "./promotion-fence.ts";
import { resolveLanded } from "./promotion-intents.ts";
import { land } from "./promotion-landing.ts";
import { removeLeftovers } from "./promotion-leftovers.ts";
import { evidenceDescription, pullRequestText } from "./promotion-text.ts";
import type { PullRequest } from "./promotion-remote.ts";
import {
  beginPromotion,
  endOf,
  hasLanded,
  recordPromotionBlock,
  type Promotion,
  type PromotionOutcome,
} from "./promotion-outcome.ts";
import { EVIDENCE_STATUS_CONTEXT, FENCE_STATUS_CONTEXT } from "./run-result.ts";
import { readLanding } from "./read-landing.ts";
import { claimRepository, repositoryProblem } from "./repository-standing.ts";
import type { StopCause } from "./promotion-refusal.ts";
import { settleWorld } from "./settle-intent.ts";
import { readServingFacts } from "./serving-gate.ts";
import { JARVIS_IDENTITY } from "./restore-staged.ts";
import type { Verified } from "./verification.ts";

/** What the executor gives an action that it runs: without it nothing here changes the host. */
export type PromotionPermission = Pick<ActionContext, "permit" | "proposalId" | "signal">;

/** The promotion had to stop, and did so before its first mutation or before the landing. */
export class PromotionStopped extends Error {
  override readonly name = "PromotionStopped";
  readonly by: StopCause;

  constructor(by: StopCause) {
    super(`the promotion had to stop: ${by}`);
    this.by = by;
  }
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
  const known = await endOf(world, verified);
  if (known !== null) return known;
  const promotion = await beginPromotion(world, verified, attempt);
  const answer = await whenGitHubAnswers(async () => {
    // A landing that took effect just before a crash is a fact; no switch can undo it.
    if (await hasLanded(promotion)) return await recordLanding(promotion, permission.permit);
    return await promoteSteps(promotion, permission);
  });
  if (answer.answered) return answer.value;
  return await parkForHost(promotion, null, answer.problem);
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
    return await recordPromotionBlock(promotion, null, inOneBlock(closed));
  }
  // Another repository under this name, or another instance that promotes there: nothing is sent.
  const unfit = await claimRepository(world, permission.permit);
  if (unfit !== null) return await parkForHost(promotion, null, unfit);
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
  const attestation = await attestPromotion(world, verified, head, permission.proposalId);
  const pullRequest = await remote.ensurePullRequest(
    head.branch,
    pullRequestText(verified, attestation),
  );
  await remote.ensureStatus(head.sha, {
    context: EVIDENCE_STATUS_CONTEXT,
    state: "success",
    description: evidenceDescription(verified),
    targetUrl: pullRequest.url,
  });
  return await gateAndLand(promotion, pullRequest, {
    ...permission,
    attestationId: attestation.recordId,
  });
}

async function gateAndLand(
  promotion: Promotion,
  pullRequest: PullRequest,
  permission: PromotionPermission & { readonly attestationId: number },
): Promise<PromotionOutcome> {
  const { world, verified, remote, head } = promotion;
  const { change } = verified;
  const landing = change.config.landing ?? "fast-forward";
  const unfit = await repositoryProblem(world);
  if (unfit !== null) return await parkForHost(promotion, pullRequest, unfit);
  const { id: ownAccountId } = await world.github.whoAmI();
  const protection = await remote.readProtection();
  const isFenced = protection?.contexts.includes(FENCE_STATUS_CONTEXT) ?? false;
  const { isRevert } = await readServingFacts(world, change);
  // A person may land it as well: going back is what no fence may hold up.
  if (isFenced && isRevert) {
    await promotionFence(world.github).exempt(head.sha, "Takes a rolled back change back");
  }
  const statuses: readonly ReportedStatus[] = await remote.readStatuses(head.sha);
  const currentBaseSha = await remote.readBase();
  world.progress(change.runId, "promote: gate");
  const decide = async (): Promise<PromotionDecision> => {
    const serving = await readServingFacts(world, change);
    // Second guard: pause and mode are read last, immediately before the merge (promotion-paused).
    const switches = await readSwitches(world);
    stopWhereTold(permission.signal, switches.killed);
    return decidePromotion({
      requiredContexts: protection?.contexts,
      statuses,
      ownAccountId,
      evidenceDescription: evidenceDescription(verified),
      verifiedBaseSha: change.baseSha,
      currentBaseSha,
      landing,
      strict: protection?.strict ?? false,
      ...serving,
      ...switches,
    });
  };
  // Nothing lands whose story could still be told otherwise.
  const { proposalId: actionId, attestationId } = permission;
  const unsealed = await requireSealed(world, change.runId, { actionId, attestationId });
  if (unsealed !== null) {
    return await recordPromotionBlock(promotion, pullRequest, inOneBlock([unsealed]));
  }
  const decision = await decide();
  if (!decision.promote) {
    if (decision.reasons.length === 1 && decision.reasons[0] === "base-moved") {
      await remote.abandon(head.branch, head.sha);
      return { promoted: false, reasons: ["base-moved"] };
    }
    return await recordPromotionBlock(promotion, pullRequest, decision);
  }
  world.progress(change.runId, "promote: landing");
  const landed = await land(
    { ...promotion, world: settleWorld(world) },
    {
      landing,
      pullRequest,
      isRevert,
      isFenced,
      lastLook: async () => {
        const last = await decide();
        return last.promote ? null : last;
      },
    },
  );
  if (landed.kind === "blocked") return await recordPromotionBlock(promotion, pullRequest, landed);
  if (landed.kind === "base-moved") {
    await remote.abandon(head.branch, head.sha);
    return { promoted: false, reasons: ["base-moved"] };
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
  const { mergeSha, landedTree, pullRequest } = await readLanding(promotion);
  if (mergeSha !== null && landedTree === change.treeSha && pullRequest === null) {
    const detail = `The repository host does not show the pull request of ${head.branch}, which has landed; it is read again.`;
    return await parkForHost(promotion, null, {
      reason: "github-not-connected",
      detail,
      retryAt: null,
    });
  }
  if (mergeSha === null || landedTree !== change.treeSha || pullRequest === null) {
    // A tree on the base that nobody verified: nothing else is promoted until a person has looked.
    if (mergeSha !== null && landedTree !== change.treeSha) {
      await setPromotionControlState(world.db, {
        paused: true,
        reason: `tree-mismatch: The base ${mergeSha} holds a tree that nobody verified; look at it, then run \`jarvis accept ${mergeSha}\` and \`jarvis resume\`.`,
        updatedBy: "system",
      });
    }
    return await recordPromotionBlock(promotion, pullRequest, {
      reasons: ["tree-mismatch"],
      detail: `The base holds tree ${landedTree ?? "none"} after the landing, verified was ${change.treeSha}; look at the base before resuming.`,
    });
  }
  await resolveLanded(world.db, head.sha, mergeSha);
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
  if (killed) throw new PromotionStopped("killed");
  if (!signal.aborted) return;
  const reason: unknown = signal.reason;
  const isLate = reason instanceof DOMException && reason.name === "TimeoutError";
  throw new PromotionStopped(isLate ? "timed-out" : "executor");
}

/** The promotion pause and the safety mode, each by its own; `killed` while the kill switch is on. */
export async function readSwitches(world: PipelineWorld) {
  const control = await getPromotionControlState(world.db);
  const safety = await readSafetyState(world.db);
  const killed = safety.trusted && safety.killSwitch === true;
  const ledger = world.ledger.problem();
  return { paused: control.paused, pauseReason: control.reason, mode: safety.mode, killed, ledger };
}
