import { z } from "zod";

/**
 * Whether the repository host itself keeps a head from landing that Jarvis does not let land.
 * `enforced`: the base requires the status `jarvis/promotion` of everybody, by its protection or by a
 * ruleset that does not let us past. `none`: it does not, or not of administrators. `unknown`: the host did not say.
 */
export const fenceStates = ["enforced", "none", "unknown"] as const;
export type FenceState = (typeof fenceStates)[number];

/** A promotion that was on its way when promotion was paused, and what became of it. */
const drainedIntent = z.object({
  runId: z.string(),
  headSha: z.string(),
  outcome: z.enum(["landed", "did-not-happen"]),
  knownBy: z
    .string()
    .describe("By what it is known: a word of `knownBy` in `promotion-intents.ts`."),
  mergeSha: z.string().nullable(),
});

/** One of which nobody can say yet that it will not land. */
const unresolvedIntent = z.object({ runId: z.string(), headSha: z.string(), why: z.string() });

/** What a pause is answered with, by the kernel and without one. */
export const pauseAnswer = z.object({
  /** False where somebody resumed while it was being drained. */
  paused: z.boolean(),
  /** True says: no forward promotion lands from now on, until somebody resumes. */
  acknowledged: z.boolean(),
  drained: z.array(drainedIntent),
  unresolved: z.array(unresolvedIntent),
  /** What reverts have landed since promotion was paused: a pause does not hold them up. */
  reverts: z.array(z.object({ runId: z.string(), mergeSha: z.string() })),
  /** Whether the host itself refuses what is not let through; unknown where it was not asked. */
  fence: z.enum(fenceStates),
  /** The runs of `unresolved`. */
  inFlight: z.array(z.string()),
});
export type PauseAnswer = z.infer<typeof pauseAnswer>;
