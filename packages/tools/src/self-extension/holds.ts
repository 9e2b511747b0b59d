import { actionProposals, selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { ActionAuditor } from "@jarvis/operator-core";
import { and, eq, inArray } from "drizzle-orm";
import { z } from "zod";
import { hasCommit, treeOf, type Mirror } from "./git/mirror.ts";
import { patchId } from "./git/patch-id.ts";
import {
  goalHolds,
  liftedRuns,
  normalised,
  type GoalHold,
  type Lifts,
  type RolledBackRun,
} from "./goal-holds.ts";
import { parseRow, readRunEvents, type LifecycleEvent } from "./lifecycle-events.ts";

export { goalHeld, isLiftedSince, type GoalHold } from "./goal-holds.ts";

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
  const holds: Hold[] = [];
  for (const { runId } of await heldRuns(world.db)) {
    const hold = await holdOf(world, runId);
    if (hold !== null) holds.push(hold);
  }
  return holds;
}

/** The same runs without what a candidate is compared with, which takes git: for whoever only lists. */
export async function heldRuns(db: JarvisDatabase): Promise<RolledBackRun[]> {
  const runs = await rolledBackRuns(db);
  const lifted = liftedRuns(await liftedHolds(db), runs);
  return runs.filter(({ runId }) => !lifted.has(runId));
}

/** Whether an operator lets a rolled back change stay or be tried again, by itself or with its goal. */
export async function isLifted(db: JarvisDatabase, runId: string): Promise<boolean> {
  return liftedRuns(await liftedHolds(db), await rolledBackRuns(db)).has(runId);
}

/** The goals that are paused because two of their changes were rolled back, oldest first. */
export async function openGoalHolds(db: JarvisDatabase): Promise<GoalHold[]> {
  return goalHolds(await rolledBackRuns(db), await liftedHolds(db));
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

/** What a lift names: the id of a hold. */
export const liftParameters = z.strictObject({ runId: z.string().min(1) });

async function rolledBackRuns(db: JarvisDatabase): Promise<RolledBackRun[]> {
  const { eventType, runId: run, seq } = selfExtensionEvents;
  const isBack = db
    .select({ runId: run })
    .from(selfExtensionEvents)
    .where(eq(eventType, "rolled_back"));
  const rows = await db
    .select()
    .from(selfExtensionEvents)
    .where(and(inArray(run, isBack), inArray(eventType, ["proposed", "rolled_back"])))
    .orderBy(run, seq);
  const events = rows.map(parseRow);
  const rollbacks = events.filter((event) => event.type === "rolled_back");
  const reverts = new Set(rollbacks.map(({ payload }) => payload.rollbackRunId));
  const last = new Map(rollbacks.map((event) => [event.runId, event]));
  const first = new Map<string, Extract<LifecycleEvent, { type: "proposed" }>>();
  for (const event of events) {
    if (event.type === "proposed" && !first.has(event.runId)) first.set(event.runId, event);
  }
  return [...last].flatMap(([runId, { createdAt: since }]) => {
    const proposed = first.get(runId);
    // A revert that served badly may be what the next revert has to do again.
    if (proposed === undefined || reverts.has(runId)) return [];
    const { goal, title } = proposed.payload;
    return [{ runId, title, goalId: proposed.context.goalId, goal, since }];
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

/** The holds that were lifted by an executed action, and when; the action ledger has to say so too. */
export async function liftedHolds(db: JarvisDatabase): Promise<Lifts> {
  const rows = await db
    .select({ id: actionProposals.id, given: actionProposals.parameters })
    .from(actionProposals)
    .where(and(eq(actionProposals.actionName, LIFT_HOLD), eq(actionProposals.state, "completed")));
  const lifted = new Map<string, string>();
  for (const { id, given } of rows) {
    const parsed = liftParameters.safeParse(given);
    const events = await new ActionAuditor(db).getEvents({
      proposalId: id,
      eventType: "completed",
    });
    const at = events.at(-1)?.createdAt;
    if (!parsed.success || at === undefined) continue;
    const before = lifted.get(parsed.data.runId);
    if (before === undefined || before < at) lifted.set(parsed.data.runId, at);
  }
  return lifted;
}
