import { z } from "zod";

// What the kernel's API answers about goals, as far as the command line reads it.

export const spent = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  microUsd: z.number(),
  steps: z.number(),
  durationMs: z.number(),
});
export type WireSpent = z.infer<typeof spent>;

export const goal = z.object({
  id: z.string(),
  text: z.string(),
  priority: z.number(),
  state: z.string(),
  detail: z.string().nullable(),
  attempts: z.number(),
  maxMicroUsd: z.number().nullable(),
  requestedBy: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  endedAt: z.string().nullable(),
});
export type WireGoal = z.infer<typeof goal>;

const attempt = z.object({
  number: z.number(),
  state: z.string(),
  runId: z.string().nullable(),
  outcome: z.string().nullable(),
  report: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  spent,
});

/** What is kept of an attempt, as far as it is shown: texts of models and candidates. */
export const attemptReport = z.object({
  reason: z.string().optional(),
  plan: z.array(z.string()).optional(),
  tried: z.array(z.string()).optional(),
});

export const goalList = z.object({
  goals: z.array(goal.extend({ spent })),
  model: z.string().nullable(),
});
export const goalOnly = z.object({ goal });
export const goalDetail = z.object({ goal, attempts: z.array(attempt), spent });
export type WireGoalDetail = z.infer<typeof goalDetail>;

/** What a run's conversation cost; null for a run that nobody's model wrote. */
export const cost = z.object({ goalId: z.string(), attempt: z.number(), spent }).nullable();
export type WireCost = z.infer<typeof cost>;
