/** How an attempt ended, as it is kept. Closed. */
export const attemptOutcomes = [
  "accepted",
  "refused",
  "rolled-back",
  "given-up",
  "no-progress",
  "budget",
  "day-budget",
  "filtered",
  "stopped",
  "interrupted",
  "model-unavailable",
  "not-proposed",
] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];
