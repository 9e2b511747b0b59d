/** The words of goals, for whoever names them without a database. */
export const goalStates = [
  "open",
  "running",
  "paused",
  "reached",
  "given-up",
  "cancelled",
] as const;
