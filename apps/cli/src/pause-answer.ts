import type { PauseAnswer } from "@jarvis/tools/answers";

/** What a pause answers where no promotion is under way and the host was not asked. */
export const nothingOnItsWay = {
  acknowledged: true,
  drained: [],
  unresolved: [],
  reverts: [],
  fence: "unknown",
  inFlight: [],
} satisfies Omit<PauseAnswer, "paused">;
