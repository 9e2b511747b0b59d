import type { OpenAPIHono } from "@hono/zod-openapi";
import type { GoalAttemptRow, GoalRow } from "@jarvis/db";
import type { Caller } from "@jarvis/operator-core";
import type { Kernel } from "../kernel/kernel.ts";
import {
  attemptsOf,
  listGoals,
  spentOn,
  withSpent,
  type Spent,
} from "../kernel/goals/goal-store.ts";
import * as routes from "./goal-routes.ts";
import type { ApiEnvironment } from "./guard.ts";

/** The routes about goals. Who added, paused, resumed or cancelled one is the token's name. */
export function addGoalRoutes(app: OpenAPIHono<ApiEnvironment>, kernel: () => Kernel): void {
  const db = () => kernel().database.db;

  app.openapi(routes.getGoals, async (context) => {
    const { limit, before, state } = context.req.valid("query");
    const found = await listGoals(db(), {
      limit,
      ...(before === undefined ? {} : { before }),
      ...(state === undefined ? {} : { state }),
    });
    const listed = await withSpent(db(), found);
    const shown = listed.map(({ goal, spent }) => ({ ...asGoal(goal), spent }));
    return context.json({ goals: shown, model: kernel().goals.model }, 200);
  });

  app.openapi(routes.getGoal, async (context) => {
    const { id } = context.req.valid("param");
    const goal = await kernel().goals.changes.read(id);
    const attempts = await Promise.all(
      (await attemptsOf(db(), id)).map(async (attempt) =>
        asAttempt(attempt, await spentOn(db(), { goalId: id, attempt: attempt.number })),
      ),
    );
    const spent = await spentOn(db(), { goalId: id });
    return context.json({ goal: asGoal(goal), attempts, spent }, 200);
  });

  app.openapi(routes.postGoal, async (context) => {
    const given = context.req.valid("json");
    const goal = await kernel().goals.changes.add(
      {
        text: given.text,
        priority: given.priority,
        maxAttempts: given.maxAttempts ?? null,
        maxTokens: given.maxTokens ?? null,
        maxMicroUsd: given.maxMicroUsd ?? null,
        maxSteps: given.maxSteps ?? null,
        maxMinutes: given.maxMinutes ?? null,
      },
      by(context.get("caller")),
    );
    kernel().goals.changed(goal.id, null);
    return context.json({ goal: asGoal(goal) }, 201);
  });

  app.openapi(routes.postGoalMove, async (context) => {
    const { id, move } = context.req.valid("param");
    const { reason } = context.req.valid("json");
    const change = { by: by(context.get("caller")), reason };
    const goal = await kernel().goals.changes.move(id, move, change);
    kernel().goals.changed(id, move);
    return context.json({ goal: asGoal(goal) }, 200);
  });
}

function by({ name }: Caller) {
  return { kind: "user", name } as const;
}

function asGoal({ createdAt, updatedAt, endedAt, ...goal }: GoalRow) {
  return {
    ...goal,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  };
}

function asAttempt(row: GoalAttemptRow, spent: Spent) {
  const { goalId: _, startedAt, endedAt, ...attempt } = row;
  return {
    ...attempt,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    spent,
  };
}
