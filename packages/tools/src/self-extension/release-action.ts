import { isDeepStrictEqual } from "node:util";
import { actionProposals, type JarvisDatabase } from "@jarvis/db";
import {
  ActionAuditor,
  ActionProposal,
  defineAction,
  digestOf,
  OperatorError,
  redactSecrets,
  type ActionDefinition,
  type Principal,
} from "@jarvis/operator-core";
import { and, desc, eq } from "drizzle-orm";
import { z } from "zod";
import { personReasons } from "./block-reasons.ts";
import { SelfExtensionError } from "./errors.ts";
import { readRunEvents, type EventContext } from "./lifecycle-events.ts";
import { gitSha, type Approval } from "./lifecycle-payloads.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { foldRun } from "./run-state.ts";

export const RELEASE_CHANGE = "release_change";

const personReason = z.enum(personReasons);

/** A package that the change brings, or brings in another version. */
export const addedPackage = z.strictObject({
  name: z.string(),
  version: z.string(),
  integrity: z.string(),
});
export type AddedPackage = z.infer<typeof addedPackage>;

/**
 * What a person is shown of a change that needs one, and what the approval is bound to: the tree,
 * and every reason with its path. Nothing else is released by it.
 */
export const releaseFacts = z.strictObject({
  runId: z.string().min(1),
  treeSha: gitSha,
  baseSha: gitSha,
  /** Sorted, each once. */
  reasons: z.array(personReason).min(1),
  findings: z
    .array(z.strictObject({ reason: personReason, path: z.string(), why: z.string() }))
    .min(1),
  addedPackages: z.array(addedPackage),
});
export type ReleaseFacts = z.infer<typeof releaseFacts>;

export const releaseParameters = releaseFacts.extend({ attempt: z.int().positive() });
export type ReleaseParameters = z.infer<typeof releaseParameters>;

/** A `release_change` action and what it is about. */
export interface Release {
  readonly action: ActionProposal;
  readonly parameters: ReleaseParameters;
}

/**
 * The action by which a person lets a change pass. Executing it records the decision and nothing
 * more: the parked run goes on with a new attempt, and its staging compares what was approved.
 */
export function releaseChangeAction(world: () => PipelineWorld): ActionDefinition {
  return defineAction({
    name: RELEASE_CHANGE,
    description: "lets a change that needs a person be verified and promoted",
    parameters: releaseParameters,
    effect: "promotion",
    risk: "medium",
    needsApproval: true,
    idempotent: false,
    timeoutMs: 30_000,
    async run({ runId, attempt, treeSha, reasons }) {
      const state = foldRun(runId, await readRunEvents(world().db, runId));
      const isSame = isDeepStrictEqual([...state.blockReasons].sort(), reasons);
      if (state.status !== "parked" || state.attempt !== attempt || !isSame) {
        throw new SelfExtensionError(
          "illegal-transition",
          `Run ${runId} does not wait for this approval any more (it is ${state.status}, attempt ${state.attempt}); look at \`jarvis actions\` again.`,
        );
      }
      return { runId, treeSha, reasons, nextAttempt: attempt + 1 };
    },
  });
}

const system: Principal = { kind: "system", name: "pipeline" };

/** The approval of one run and its promotions are scored apart: a person stands behind each. */
function sessionOf(runId: string): string {
  return `release:${runId}`;
}

/**
 * The releases that the pipeline ever asked for this run, newest first. An action of the same name
 * and session that somebody else proposed is none of them: it would decide about a change of others.
 */
export async function releasesOf(
  db: JarvisDatabase,
  { runId, actor, actorSource }: Pick<EventContext, "runId" | "actor" | "actorSource">,
): Promise<Release[]> {
  const rows = await db
    .select()
    .from(actionProposals)
    .where(
      and(
        eq(actionProposals.sessionId, sessionOf(runId)),
        eq(actionProposals.actionName, RELEASE_CHANGE),
        eq(actionProposals.requestedBy, actor),
        eq(actionProposals.requesterKind, actorSource),
      ),
    )
    .orderBy(desc(actionProposals.id));
  return rows.flatMap((row) => {
    const action = ActionProposal.safeParse(row);
    const parameters = releaseParameters.safeParse(row.parameters);
    if (!action.success || !parameters.success || parameters.data.runId !== runId) return [];
    return [{ action: action.data, parameters: parameters.data }];
  });
}

/**
 * Asks a person for this change, unless exactly this is being asked already; what was asked before
 * about another tree or other reasons is superseded. Answers the id of the action, or null where the
 * change touches more than one approval can hold.
 */
export async function askForRelease(
  world: Pick<PipelineWorld, "db" | "actions">,
  context: EventContext,
  parameters: ReleaseParameters,
): Promise<number | null> {
  const asked = redacted(parameters);
  let waiting: ActionProposal | null = null;
  for (const { action, parameters: before } of await releasesOf(world.db, context)) {
    if (!["proposed", "validated", "approved"].includes(action.state)) continue;
    if (waiting === null && isDeepStrictEqual(before, asked)) waiting = action;
    else {
      const reason = "superseded: another change of this run waits for a person now";
      await world.actions.cancel(action.id, { by: system, reason });
    }
  }
  const action = waiting ?? (await propose(world, context, asked));
  if (action === null) return null;
  if (action.state === "proposed") await world.actions.validate(action.id);
  return action.id;
}

async function propose(
  world: Pick<PipelineWorld, "actions">,
  context: EventContext,
  parameters: ReleaseParameters,
): Promise<ActionProposal | null> {
  try {
    return await world.actions.propose({
      actionName: RELEASE_CHANGE,
      parameters,
      reason: `The change touches what only a person lets pass: ${parameters.reasons.join(", ")}`,
      // Whoever proposed the change asks for its release: nobody approves their own.
      requester: { kind: context.actorSource, name: context.actor },
      agentId: context.actorSource === "agent" ? context.actor : null,
      sessionId: sessionOf(context.runId),
    });
  } catch (error) {
    if (error instanceof OperatorError && error.code === "malformed-proposal") return null;
    throw error;
  }
}

/**
 * The approval that a person gave for exactly these facts, from the action and the audit log
 * together; null where there is none.
 */
export async function findApproval(
  db: JarvisDatabase,
  context: EventContext,
  facts: ReleaseFacts,
): Promise<Approval | null> {
  const wanted = redacted(facts);
  for (const { action, parameters } of await releasesOf(db, context)) {
    if (action.state !== "completed" || action.approvedBy === null) continue;
    const { attempt: _, ...released } = parameters;
    if (!isDeepStrictEqual(released, wanted)) continue;
    if (action.approvedBy === context.actor || !(await isOnRecord(db, action))) continue;
    return {
      actionId: action.id,
      approvedBy: action.approvedBy,
      treeSha: facts.treeSha,
      released: [...facts.reasons],
    };
  }
  return null;
}

const approvedEvent = z.looseObject({ by: z.string(), digest: z.string() });

/** A row can be changed; what a person approved stands in the audit log, which cannot. */
async function isOnRecord(db: JarvisDatabase, action: ActionProposal): Promise<boolean> {
  const events = await new ActionAuditor(db).getEvents({ proposalId: action.id });
  const approvals = events.filter(({ eventType }) => eventType === "approved");
  const [approved] = approvals;
  const data = approvedEvent.safeParse(approved?.eventData);
  return (
    approvals.length === 1 &&
    approved?.actor === "user" &&
    data.success &&
    data.data.by === action.approvedBy &&
    data.data.digest === digestOf(action) &&
    data.data.digest === action.approvedDigest &&
    events.some(({ eventType }) => eventType === "completed")
  );
}

// A finished proposal keeps no secrets, so what is compared must not hold any from the beginning.
function redacted<T extends ReleaseFacts>(facts: T): T {
  return redactSecrets(facts).value as T;
}
