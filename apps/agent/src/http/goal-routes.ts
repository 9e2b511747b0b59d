import { createRoute, z } from "@hono/zod-openapi";
import { goalStates } from "@jarvis/db";
import { operatorMoves } from "../kernel/goals/goal-states.ts";
import { json, page, reason, refusals, security, text } from "./route-parts.ts";
import { problem, spent } from "./schemas.ts";

const count = z.number().int().nonnegative();
const limit = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

const goal = z
  .object({
    id: z.string(),
    text: z.string(),
    priority: z.number().int(),
    state: z.enum(goalStates),
    detail: z.string().nullable(),
    attempts: count,
    maxAttempts: limit.nullable(),
    maxTokens: limit.nullable(),
    maxMicroUsd: limit.nullable(),
    maxSteps: limit.nullable(),
    maxMinutes: limit.nullable(),
    requestedBy: z.string(),
    createdAt: z.string(),
    updatedAt: z.string(),
    endedAt: z.string().nullable(),
  })
  .openapi("Goal");

const attempt = z
  .object({
    number: z.number().int(),
    state: z.enum(["working", "proposed", "ended"]),
    runId: z.string().nullable(),
    outcome: z.string().nullable(),
    /** Text of models and candidates. */
    report: z.string().nullable(),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    spent,
  })
  .openapi("GoalAttempt");

const goalId = text.min(1).max(200);
const params = z.object({ id: goalId });
const conflict = {
  409: json(problem, "The goal is not where that is possible; nothing was changed."),
} as const;
const one = json(z.object({ goal }), "The goal as it is now.");

export const getGoals = createRoute({
  method: "get",
  path: "/api/goals",
  summary: "Goals, newest first, with what they cost",
  security,
  request: {
    query: page.extend({
      state: z.enum(goalStates).optional(),
      before: goalId.optional(),
    }),
  },
  responses: {
    200: json(
      z.object({
        goals: z.array(goal.extend({ spent }).openapi("ListedGoal")),
        model: z.string().nullable(),
      }),
      "Newest first; `model` is null where none is configured, and goals wait.",
    ),
    ...refusals,
  },
});

export const getGoal = createRoute({
  method: "get",
  path: "/api/goals/{id}",
  summary: "One goal, with its attempts",
  security,
  request: { params },
  responses: {
    200: json(
      z.object({ goal, attempts: z.array(attempt), spent }),
      "One goal with its attempts and what they cost.",
    ),
    ...refusals,
  },
});

export const postGoal = createRoute({
  method: "post",
  path: "/api/goals",
  summary: "Hand in a goal",
  security,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            text: text.trim().min(1, "expected what is to be done").max(8_000),
            priority: z.number().int().min(-1_000_000).max(1_000_000).default(0),
            maxAttempts: limit.optional(),
            maxTokens: limit.optional(),
            maxMicroUsd: limit.optional(),
            maxSteps: limit.optional(),
            maxMinutes: limit.optional(),
          }),
        },
      },
    },
  },
  responses: { 201: one, ...refusals, ...conflict },
});

export const postGoalMove = createRoute({
  method: "post",
  path: "/api/goals/{id}/{move}",
  summary: "Let a goal wait, go on, or end",
  security,
  request: {
    params: params.extend({ move: z.enum(operatorMoves) }),
    body: { required: true, content: { "application/json": { schema: z.object({ reason }) } } },
  },
  responses: { 200: one, ...refusals, ...conflict },
});
