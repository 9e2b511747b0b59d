import { actionProposals, selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { ActionAuditor, defineAction, type ActionDefinition } from "@jarvis/operator-core";
import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { SelfExtensionError } from "./errors.ts";
import { hasCommit, treeOf, type Mirror } from "./git/mirror.ts";
import { patchId } from "./git/patch-id.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";

export const LIFT_HOLD = "lift_hold";

/** What was rolled back and is refused until an operator lifts it: the same tree, patch and goal. */
export interface Hold {
  readonly runId: string;
  readonly title: string;
  readonly treeSha: string;
  readonly patchId: string | null;
  readonly goalId: string | null;
  readonly goal: string | null;
  readonly since: string;
}

/** What a hold is compared with. */
export interface HoldCandidate {
  readonly treeSha: string;
  readonly patchId: string | null;
  readonly goalId: string | null;
  readonly goal: string | null;
}

/** The holds that stand, oldest first: every run that was rolled back and that nobody lifted. */
export async function openHolds(world: { db: JarvisDatabase; mirror: Mirror }): Promise<Hold[]> {
  const rows = await world.db
    .selectDistinct({ runId: selfExtensionEvents.runId })
    .from(selfExtensionEvents)
    .where(eq(selfExtensionEvents.eventType, "rolled_back"))
    .orderBy(selfExtensionEvents.runId);
  const lifted = await liftedHolds(world.db);
  const holds: Hold[] = [];
  for (const { runId } of rows) {
    if (lifted.has(runId)) continue;
    const hold = await holdOf(world, runId);
    if (hold !== null) holds.push(hold);
  }
  return holds;
}

/** The first hold that a candidate falls under, and by what. Pure. */
export function heldBy(
  holds: readonly Hold[],
  candidate: HoldCandidate,
): { readonly hold: Hold; readonly because: "tree" | "patch" | "goal" } | null {
  for (const hold of holds) {
    if (hold.treeSha === candidate.treeSha) return { hold, because: "tree" };
    if (hold.patchId !== null && hold.patchId === candidate.patchId) {
      return { hold, because: "patch" };
    }
    const isSameGoal =
      (hold.goalId !== null && hold.goalId === candidate.goalId) ||
      (hold.goal !== null && normalised(hold.goal) === normalised(candidate.goal ?? ""));
    if (isSameGoal) return { hold, because: "goal" };
  }
  return null;
}

const parameters = z.strictObject({ runId: z.string().min(1) });

/** The action by which an operator lets a rolled back change be tried again. */
export function liftHoldAction(world: () => PipelineWorld): ActionDefinition {
  return defineAction({
    name: LIFT_HOLD,
    description: "lets a change that was rolled back be proposed again",
    parameters,
    effect: "promotion",
    risk: "medium",
    needsApproval: false,
    idempotent: true,
    timeoutMs: 10_000,
    async run({ runId }) {
      const hold = (await openHolds(world())).find((each) => each.runId === runId);
      if (hold === undefined) {
        throw new SelfExtensionError(
          "run-unknown",
          `Nothing is held for run ${runId}; \`jarvis status\` lists what is.`,
        );
      }
      return { runId, title: hold.title };
    },
  });
}

async function holdOf(
  { db, mirror }: { db: JarvisDatabase; mirror: Mirror },
  runId: string,
): Promise<Hold | null> {
  const events = await readRunEvents(db, runId);
  const proposed = events.find((event) => event.type === "proposed");
  const promoted = events.find((event) => event.type === "promoted");
  const rolledBack = events.findLast((event) => event.type === "rolled_back");
  // A base that came from outside was never proposed here: there is nothing to propose again.
  if (proposed === undefined || promoted === undefined || rolledBack === undefined) return null;
  const { baseSha, treeSha, mergeSha } = promoted.payload;
  const isKnown = (await hasCommit(mirror, baseSha)) && (await hasCommit(mirror, mergeSha));
  return {
    runId,
    title: proposed.payload.title,
    treeSha,
    patchId: isKnown ? await patchId(mirror, await treeOf(mirror, baseSha), treeSha) : null,
    goalId: proposed.context.goalId,
    goal: proposed.payload.goal,
    since: rolledBack.createdAt,
  };
}

/** Runs whose hold was lifted by an executed action; the action ledger has to say so too. */
async function liftedHolds(db: JarvisDatabase): Promise<ReadonlySet<string>> {
  const rows = await db
    .select({ id: actionProposals.id, given: actionProposals.parameters })
    .from(actionProposals)
    .where(and(eq(actionProposals.actionName, LIFT_HOLD), eq(actionProposals.state, "completed")));
  const lifted = new Set<string>();
  for (const { id, given } of rows) {
    const parsed = parameters.safeParse(given);
    const done = await new ActionAuditor(db).getEvents({ proposalId: id, eventType: "completed" });
    if (parsed.success && done.length > 0) lifted.add(parsed.data.runId);
  }
  return lifted;
}

function normalised(text: string): string {
  return text.trim().toLowerCase().replaceAll(/\s+/g, " ");
}
