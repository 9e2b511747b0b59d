import type { GoalState } from "@jarvis/db";

/** What can be done with a goal, by people and by the kernel. */
export const goalMoves = {
  begin: { from: ["open", "running"], to: "running" },
  pause: { from: ["open", "running"], to: "paused" },
  resume: { from: ["paused"], to: "open" },
  cancel: { from: ["open", "running", "paused"], to: "cancelled" },
  reach: { from: ["running"], to: "reached" },
  "give-up": { from: ["open", "running"], to: "given-up" },
} as const satisfies Record<string, { from: readonly GoalState[]; to: GoalState }>;

export type GoalMove = keyof typeof goalMoves;

/** What an operator may ask for; the rest is the kernel's. */
export const operatorMoves = ["pause", "resume", "cancel"] as const satisfies readonly GoalMove[];

/** The state after a move, or null where it is not possible from there. Pure. */
export function afterMove(state: GoalState, move: GoalMove): GoalState | null {
  const { from, to } = goalMoves[move];
  return from.some((known) => known === state) ? to : null;
}
