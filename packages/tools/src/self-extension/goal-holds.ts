import { createHash } from "node:crypto";

/** A run that was rolled back, with the goal that it was for, as far as it named one. */
export interface RolledBackRun {
  readonly runId: string;
  readonly title: string;
  readonly goalId: string | null;
  readonly goal: string | null;
  /** When it was rolled back, UTC. */
  readonly since: string;
}

/** When each hold was lifted last, by its id. */
export type Lifts = ReadonlyMap<string, string>;

/** A goal for which two changes were rolled back: nothing more is taken for it until it is lifted. */
export interface GoalHold {
  readonly id: string;
  readonly goalId: string | null;
  readonly goal: string | null;
  readonly runIds: readonly string[];
  readonly since: string;
}

interface Goal {
  readonly id: string;
  readonly runs: RolledBackRun[];
}

/** So many rollbacks pause a goal. */
const TOO_MANY = 2;

/** Pure. Rollbacks from before the last lift of a goal do not count any more. */
export function goalHolds(runs: readonly RolledBackRun[], lifts: Lifts): GoalHold[] {
  return groupByGoal(runs).flatMap(({ id, runs: all }) => {
    const counted = all.filter(({ since }) => !isLiftedSince(lifts, id, since));
    const last = counted.at(-1);
    if (counted.length < TOO_MANY || last === undefined) return [];
    const { goalId, goal, since } = last;
    return [{ id, goalId, goal, runIds: counted.map(({ runId }) => runId), since }];
  });
}

/** The paused goal that a proposal names, by its id or its text. Pure. */
export function goalHeld(
  holds: readonly GoalHold[],
  asked: Pick<RolledBackRun, "goalId" | "goal">,
): GoalHold | null {
  return holds.find((hold) => isSameGoal(hold, asked)) ?? null;
}

/**
 * The runs whose hold was lifted, by itself or with its goal, after they were rolled back. Pure; for
 * all of them at once, as to find the goals takes a look at every run.
 */
export function liftedRuns(lifts: Lifts, runs: readonly RolledBackRun[]): ReadonlySet<string> {
  const lifted = new Set<string>();
  for (const { id, runs: all } of groupByGoal(runs)) {
    for (const { runId, since } of all) {
      if (isLiftedSince(lifts, runId, since) || isLiftedSince(lifts, id, since)) lifted.add(runId);
    }
  }
  return lifted;
}

/** Whether a hold was lifted after what it is for; a lift says nothing about what comes later. Pure. */
export function isLiftedSince(lifts: Lifts, id: string, since: string): boolean {
  const lifted = lifts.get(id);
  return lifted !== undefined && since <= lifted;
}

export function normalised(text: string): string {
  return text.trim().toLowerCase().replaceAll(/\s+/g, " ");
}

/** A goal is known by its first run, so that its hold keeps its id when more are rolled back. */
function groupByGoal(runs: readonly RolledBackRun[]): Goal[] {
  const goals: Goal[] = [];
  // The first goal that any run of that id, or of that text, belongs to.
  const byName = new Map<string, number>();
  for (const run of runs) {
    const names = namesOf(run);
    const known = names.flatMap((name) => byName.get(name) ?? []);
    const index = Math.min(goals.length, ...known);
    const goal = (goals[index] ??= { id: idOf(run), runs: [] });
    goal.runs.push(run);
    for (const name of names) byName.set(name, Math.min(index, byName.get(name) ?? index));
  }
  return goals;
}

function namesOf({ goalId, goal }: RolledBackRun): string[] {
  const text = normalised(goal ?? "");
  return [...(goalId === null ? [] : [`id ${goalId}`]), ...(text === "" ? [] : [`text ${text}`])];
}

function isSameGoal(
  one: Pick<RolledBackRun, "goalId" | "goal">,
  other: Pick<RolledBackRun, "goalId" | "goal">,
): boolean {
  if (one.goalId !== null && one.goalId === other.goalId) return true;
  const text = normalised(one.goal ?? "");
  return text !== "" && text === normalised(other.goal ?? "");
}

function idOf({ runId }: RolledBackRun): string {
  return `goal:${createHash("sha256").update(runId).digest("hex").slice(0, 12)}`;
}
