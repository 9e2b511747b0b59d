import { actionProposals } from "@jarvis/db";
import {
  defineAction,
  ObserveOnlyError,
  readProposal,
  type ActionDefinition,
  type ActionProposal,
  type Principal,
} from "@jarvis/operator-core";
import { and, eq, inArray, sql } from "drizzle-orm";
import { z } from "zod";
import { SelfExtensionError } from "./errors.ts";
import { whenGitHubAnswers } from "./github-client.ts";
import { parkForHost } from "./host-block.ts";
import type { HostProblem } from "./host-problem.ts";
import {
  promoteChange,
  PromotionStopped,
  readBackLanding,
  readSwitches,
} from "./github-pipeline.ts";
import { requireSealed } from "./ledger-seal.ts";
import type { EventContext } from "./lifecycle-events.ts";
import { gitSha } from "./lifecycle-payloads.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { decideSwitches, inOneBlock, observesOnly } from "./promotion-gate.ts";
import {
  beginPromotion,
  endOf,
  hasLanded,
  recordPromotionBlock,
  type Promotion,
  type PromotionOutcome,
} from "./promotion-outcome.ts";
import { whyInvalid, whyNotBegun, whyStopped } from "./promotion-refusal.ts";
import type { Refusal } from "./proposal.ts";
import { budgetProblem, requestsOf } from "./rate-budget.ts";
import { recordBlock } from "./record-outcome.ts";
import { repositoryProblem } from "./repository-standing.ts";
import { readServingFacts } from "./serving-gate.ts";
import { loadVerified, type Verified } from "./verification.ts";

export const PROMOTE_CHANGE = "promote_change";

const parameters = z.strictObject({
  runId: z.string().min(1),
  treeSha: gitSha,
  stagedSha: gitSha,
  attempt: z.int().positive(),
});

// Uploads of a large change to a distant host; what takes longer hangs.
const TIME_LIMIT_MS = 300_000;

const pipeline: Principal = { kind: "system", name: "pipeline" };

/** The action that lands a verified change. What it promotes is read again from ledger and git. */
export function promoteChangeAction(world: () => PipelineWorld): ActionDefinition {
  return defineAction({
    name: PROMOTE_CHANGE,
    description: "lands a verified change on the base through the promotion gate",
    parameters,
    effect: "promotion",
    risk: "medium",
    needsApproval: false,
    idempotent: false,
    timeoutMs: TIME_LIMIT_MS,
    async run({ runId, treeSha, stagedSha, attempt }, { permit, signal, proposalId }) {
      const flight = promote();
      const watched = world().flights.get(proposalId);
      if (watched !== undefined) watched.flight = flight;
      return await flight;

      async function promote(): Promise<PromotionOutcome> {
        const verified = await loadVerified(world(), runId, stagedSha);
        if (verified.change.treeSha !== treeSha) {
          throw new SelfExtensionError(
            "evidence-mismatch",
            `run ${runId} staged tree ${verified.change.treeSha}, proposed was ${treeSha}`,
          );
        }
        return await promoteChange(world(), verified, attempt, { permit, proposalId, signal });
      }
    },
  });
}

/**
 * Who is answerable for a promotion, for the score of promotions in a short time. An agent answers
 * for its goal, or its cycle, or for itself, so that many changes of one origin count together. What
 * a person hands in stands for itself each time it is tried: the person is there, turns the switches,
 * and is bounded by quotas.
 */
export function promotionSession(
  context: EventContext,
  tried: { readonly attempt: number; readonly stagedSha: string },
): string {
  const { actorSource, actor, goalId, cycleId, runId } = context;
  if (actorSource !== "agent") return `run:${runId}:${tried.attempt}:${tried.stagedSha}`;
  if (goalId !== null) return `goal:${goalId}`;
  return cycleId === null ? `agent:${actor}` : `cycle:${cycleId}`;
}

/**
 * The promotion of a run, as an action. What needs no effect is decided before one is begun, so that
 * a host that is away or a base that moves does not count as many promotions in a short time.
 */
export async function promoteByAction(
  world: PipelineWorld,
  runId: string,
  stagedSha: string,
  attempt: number,
): Promise<PromotionOutcome> {
  const verified = await loadVerified(world, runId, stagedSha);
  const known = await decideBefore(world, verified, attempt);
  if (known !== null) return known;
  await cancelWaiting(world, runId);
  const { change } = verified;
  const proposal = await world.actions.propose({
    actionName: PROMOTE_CHANGE,
    parameters: { runId, treeSha: change.treeSha, stagedSha, attempt },
    reason: change.title,
    requester: { kind: change.context.actorSource, name: change.context.actor },
    agentId: change.context.actorSource === "agent" ? change.context.actor : null,
    sessionId: promotionSession(change.context, { attempt, stagedSha }),
  });
  const validation = await world.actions.validate(proposal.id);
  if (validation.outcome !== "valid") {
    return await blockUnlessLanded(world, verified, attempt, whyInvalid(validation));
  }
  return await execute(world, verified, attempt, proposal);
}

/** An earlier attempt may have left a promotion that waits for a person: this one takes its place. */
async function cancelWaiting(world: PipelineWorld, runId: string): Promise<void> {
  const { state, actionName, parameters: given, id } = actionProposals;
  const waiting = await world.db
    .select({ id })
    .from(actionProposals)
    .where(
      and(
        inArray(state, ["proposed", "validated", "approved"]),
        eq(actionName, PROMOTE_CHANGE),
        sql`${given} ->> 'runId' = ${runId}`,
      ),
    );
  for (const earlier of waiting) {
    const reason = "superseded: the run is promoted by a new attempt";
    await world.actions.cancel(earlier.id, { by: pipeline, reason });
  }
}

async function execute(
  world: PipelineWorld,
  verified: Verified,
  attempt: number,
  { id }: ActionProposal,
): Promise<PromotionOutcome> {
  const watched: { flight: Promise<PromotionOutcome> | null } = { flight: null };
  world.flights.set(id, watched);
  try {
    const outcome = await world.actions.execute(id, { approvalToken: undefined });
    // Also where the executor gave up waiting: only what the promotion did counts.
    if (watched.flight !== null) return await watched.flight;
    const refusal = whyNotBegun(outcome, await readSwitches(world));
    return await blockUnlessLanded(world, verified, attempt, refusal);
  } catch (error) {
    if (error instanceof ObserveOnlyError) {
      const reason = "the mode is observe";
      await world.actions.cancel(id, { by: pipeline, reason });
      return await blockUnlessLanded(world, verified, attempt, observesOnly);
    }
    if (error instanceof PromotionStopped) {
      const isOrdered = await isOrderedToStop(world, id);
      return await blockUnlessLanded(world, verified, attempt, whyStopped(error, isOrdered));
    }
    throw error;
  } finally {
    world.flights.delete(id);
  }
}

/** Whether somebody asked for the stop; else the executor lost its hold on the action by itself. */
async function isOrderedToStop(world: PipelineWorld, id: number): Promise<boolean> {
  const proposal = await readProposal(world.db, id);
  return proposal?.stopReason != null || (await readSwitches(world)).killed;
}

/** Ends, switches and a base that moved need no action; null where one has to be begun. */
async function decideBefore(
  world: PipelineWorld,
  verified: Verified,
  attempt: number,
): Promise<PromotionOutcome | null> {
  const known = await endOf(world, verified);
  if (known !== null) return known;
  const { runId } = verified.change;
  const unsealed = await requireSealed(world, runId);
  if (unsealed !== null) {
    const { context } = verified.change;
    const reasons = await recordBlock(world, context, attempt, "promote", [unsealed]);
    return { promoted: false, reasons };
  }
  const promotion = await beginPromotion(world, verified, attempt);
  const answer = await askHost(promotion);
  const switches = decideSwitches({
    ...(await readSwitches(world)),
    ...(await readServingFacts(world, verified.change)),
  });
  if (!("unfit" in answer) && answer.landed) return null;
  if (switches.some(({ reason }) => reason !== "observe-only")) {
    return await recordPromotionBlock(promotion, null, inOneBlock(switches));
  }
  // The executor refuses in observe, and says so on record; the host is not asked for more.
  if (switches.length > 0) return null;
  if ("unfit" in answer) return await parkForHost(promotion, null, answer.unfit);
  return answer.base === verified.change.baseSha
    ? null
    : { promoted: false, reasons: ["base-moved"] };
}

/**
 * What the host shows before anything is begun, or why it is not worked with now: too few requests
 * left, not the repository that was connected, another instance's, or away. What landed before
 * another instance took over is a fact all the same.
 */
async function askHost(
  promotion: Promotion,
): Promise<{ readonly landed: boolean; readonly base: string } | { readonly unfit: HostProblem }> {
  const { world, remote, verified } = promotion;
  const answer = await whenGitHubAnswers(async () => {
    const low = await budgetProblem(world, requestsOf(verified.change));
    if (low !== null) return { unfit: low };
    const unfit = await repositoryProblem(world);
    if (unfit !== null && unfit.reason !== "repository-owned") return { unfit };
    const landed = await hasLanded(promotion);
    if (unfit !== null && !landed) return { unfit };
    return { landed, base: await remote.readBase() };
  });
  return answer.answered ? answer.value : { unfit: answer.problem };
}

/** A landing that took effect is a fact; only without one a refusal of the action counts. */
async function blockUnlessLanded(
  world: PipelineWorld,
  verified: Verified,
  attempt: number,
  refusal: Refusal,
): Promise<PromotionOutcome> {
  const landed = await readBackLanding(world, verified, attempt);
  if (landed !== null) return landed;
  const promotion = await beginPromotion(world, verified, attempt);
  return await recordPromotionBlock(promotion, null, inOneBlock([refusal]));
}
