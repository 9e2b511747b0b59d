import { createHash } from "node:crypto";
import {
  defineAction,
  ObserveOnlyError,
  requirePermit,
  type ActionDefinition,
  type Principal,
} from "@jarvis/operator-core";
import { z } from "zod";
import { whenGitHubAnswers } from "./github-client.ts";
import { diffTrees, hasCommit, keepCommit, writeCommit } from "./git/mirror.ts";
import { planRevert, type PlannedRevert } from "./git/revert-change.ts";
import { commitsTouching } from "./git/touching-commits.ts";
import { readSwitches } from "./github-pipeline.ts";
import type { LifecycleEvent } from "./lifecycle-events.ts";
import { gitSha } from "./lifecycle-payloads.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { observesOnly } from "./promotion-gate.ts";
import { whyInvalid, whyNotBegun } from "./promotion-refusal.ts";
import { promotionRemote } from "./promotion-remote.ts";
import type { Refusal } from "./proposal.ts";
import { conflictMessage, conflictText } from "./revert-conflict-text.ts";
import { revertedBy } from "./revert-run.ts";
import { JARVIS_IDENTITY } from "./restore-staged.ts";
import { readProposal } from "./staged-change.ts";

export const OPEN_CONFLICT = "open_revert_pull_request";

/** What stands on the host for a person to finish. */
export const openedConflict = z.object({
  branchName: z.string(),
  /** Null where it was opened before: what the branch holds is a person's by then. */
  headSha: gitSha.nullable(),
  pullRequestNumber: z.number().int().positive(),
  pullRequestUrl: z.string(),
});
export type OpenedConflict = z.infer<typeof openedConflict>;

const parameters = z.strictObject({ runId: z.string().min(1), baseSha: gitSha, baseTree: gitSha });

const TIME_LIMIT_MS = 120_000;
const pipeline: Principal = { kind: "system", name: "pipeline" };

/**
 * The action that shows a person a revert which conflicts: a branch with what can be taken back, and
 * a pull request that says what cannot. Nothing of it is verified, reported as verified or merged.
 */
export function openConflictAction(world: () => PipelineWorld): ActionDefinition {
  return defineAction({
    name: OPEN_CONFLICT,
    description: "opens a pull request for a revert that a person has to finish",
    parameters,
    effect: "promotion",
    risk: "low",
    needsApproval: false,
    idempotent: true,
    timeoutMs: TIME_LIMIT_MS,
    async run(given, { permit, proposalId }) {
      requirePermit(permit, proposalId);
      return await openConflict(world(), given);
    },
  });
}

/**
 * Opens that pull request through the executor, or finds the one that is open. What keeps it from
 * being opened (observe, a host that is away) is a reason of its own, and passes.
 */
export async function showConflict(
  world: PipelineWorld,
  at: z.infer<typeof parameters>,
): Promise<{ readonly opened: OpenedConflict } | { readonly refusal: Refusal }> {
  const proposal = await world.actions.propose({
    actionName: OPEN_CONFLICT,
    parameters: at,
    reason: "A later change touched what is to be reverted",
    requester: pipeline,
    agentId: null,
    // Every base that conflicts is asked about in a session of its own: that is no burst.
    sessionId: `revert:${at.runId}:${at.baseSha}`,
  });
  const validation = await world.actions.validate(proposal.id);
  if (validation.outcome !== "valid") return { refusal: whyInvalid(validation) };
  const answer = await whenGitHubAnswers(async () => {
    try {
      return await world.actions.execute(proposal.id, { approvalToken: undefined });
    } catch (error) {
      if (!(error instanceof ObserveOnlyError)) throw error;
      await world.actions.cancel(proposal.id, { by: pipeline, reason: "the mode is observe" });
      return null;
    }
  });
  if (!answer.answered) return { refusal: answer.problem };
  const outcome = answer.value;
  if (outcome === null) return { refusal: observesOnly };
  if (outcome.outcome === "completed") return { opened: openedConflict.parse(outcome.result) };
  if (outcome.outcome === "failed") return { refusal: unanswered(outcome.error) };
  return { refusal: whyNotBegun(outcome, await readSwitches(world)) };
}

function unanswered(problem: string): Refusal {
  return {
    reason: "github-not-connected",
    detail: `Its pull request could not be opened: ${problem}`,
  };
}

async function openConflict(
  world: PipelineWorld,
  { runId, baseSha, baseTree }: z.infer<typeof parameters>,
): Promise<OpenedConflict> {
  const remote = promotionRemote(world.github);
  const branch = `jarvis/revert-${createHash("sha256").update(runId).digest("hex").slice(0, 16)}`;
  const known = await remote.findPullRequest(branch);
  // A person may have pushed to it, or closed it: what is there is theirs.
  if (known !== null) return opened(branch, null, known);
  const reverted = await revertedBy(world, runId);
  if (reverted === null) throw new Error(`run ${runId} reverts nothing`);
  const planned = await planRevert(world.mirror, { ...reverted, current: baseTree });
  if (planned.kind !== "conflict") throw new Error(`run ${runId} does not conflict any more`);
  const facts = {
    runId,
    baseSha,
    reverted,
    paths: await explained(world, planned, reverted, baseSha),
  };
  const { date } = await readProposal(world, runId);
  const message = conflictMessage(facts);
  const sha = await writeCommit(world.mirror, {
    tree: planned.tree,
    parents: [baseSha],
    identity: JARVIS_IDENTITY,
    date,
    message,
  });
  await keepCommit(world.mirror, `${runId}-conflict`, sha);
  await remote.uploadCommit(world.mirror, {
    sha,
    tree: planned.tree,
    baseTree,
    parent: baseSha,
    identity: JARVIS_IDENTITY,
    date,
    message,
    changes: await diffTrees(world.mirror, baseTree, planned.tree),
  });
  await remote.ensureBranch(branch, sha);
  return opened(branch, sha, await remote.ensurePullRequest(branch, conflictText(facts)));
}

function opened(
  branchName: string,
  headSha: string | null,
  pullRequest: { readonly number: number; readonly url: string },
): OpenedConflict {
  const { number: pullRequestNumber, url: pullRequestUrl } = pullRequest;
  return { branchName, headSha, pullRequestNumber, pullRequestUrl };
}

const SHOWN_PATHS = 50;

/** Each path with the commits that touched it after the change. */
async function explained(
  world: PipelineWorld,
  planned: Extract<PlannedRevert, { kind: "conflict" }>,
  { mergeSha }: { readonly mergeSha: string },
  baseSha: string,
): Promise<{ path: string; commits: readonly string[] }[]> {
  const isKnown = await hasCommit(world.mirror, mergeSha);
  const paths = planned.paths.slice(0, SHOWN_PATHS);
  return await Promise.all(
    paths.map(async (path) => ({
      path,
      commits: isKnown
        ? await commitsTouching(world.mirror, { path, after: mergeSha, until: baseSha })
        : [],
    })),
  );
}

/** The pull request that an earlier attempt opened for its conflict; null where none did. */
export function shownConflict(events: readonly LifecycleEvent[]): OpenedConflict | null {
  for (const event of events.toReversed()) {
    if (event.type !== "promotion_blocked") continue;
    if (!event.payload.reasons.includes("revert-conflict")) continue;
    const parsed = openedConflict.safeParse(event.payload);
    if (parsed.success) return parsed.data;
  }
  return null;
}
