import type { GoalRow, JarvisDatabase } from "@jarvis/db";
import {
  defineAction,
  OperatorError,
  type ActionDefinition,
  type ActionExecutor,
  type Principal,
} from "@jarvis/operator-core";
import { z } from "zod";
import { afterMove, goalMoves, type GoalMove } from "./goal-states.ts";
import { insertGoal, moveGoal, newGoalId, readGoal, type GoalBudget } from "./goal-store.ts";

export const CHANGE_GOAL = "change_goal";

const limit = z.int().positive().max(Number.MAX_SAFE_INTEGER).nullable();

const parameters = z.discriminatedUnion("change", [
  z.strictObject({
    change: z.literal("add"),
    goalId: z.string().min(1),
    text: z.string().min(1).max(8_000),
    priority: z.int().min(-1_000_000).max(1_000_000),
    maxAttempts: limit,
    maxTokens: limit,
    maxMicroUsd: limit,
    maxSteps: limit,
    maxMinutes: limit,
    requestedBy: z.string().min(1),
  }),
  z.strictObject({
    change: z.enum(Object.keys(goalMoves) as [GoalMove, ...GoalMove[]]),
    goalId: z.string().min(1),
    detail: z.string().max(4_000).nullable(),
  }),
]);

/** A goal is not where what was asked for is possible. */
export class GoalRefused extends Error {
  override readonly name = "GoalRefused";
  readonly code: "goal-unknown" | "goal-not-there" | "goal-not-changed";

  constructor(code: GoalRefused["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Every change of a goal is this action, so that the action ledger says who made it. To the world
 * it does nothing (what a goal leads to are actions of its own), which is why it is possible while
 * Jarvis only observes.
 */
export function changeGoalAction(db: () => JarvisDatabase): ActionDefinition {
  return defineAction({
    name: CHANGE_GOAL,
    description: "adds a goal, or moves one on",
    parameters,
    effect: "read",
    risk: "low",
    needsApproval: false,
    idempotent: true,
    timeoutMs: 10_000,
    async run(given) {
      if (given.change === "add") {
        const { change: _, goalId: id, ...goal } = given;
        await insertGoal(db(), { id, ...goal });
        return { goalId: id, state: "open" };
      }
      const { change, goalId, detail } = given;
      const moved = await moveGoal(db(), goalId, change, detail);
      if (moved !== null) return { goalId, state: moved.state };
      const now = await readGoal(db(), goalId);
      // A repetition finds what it did before.
      if (now?.state === goalMoves[change].to) return { goalId, state: now.state };
      throw new Error(`goal ${goalId} is ${now?.state ?? "not there"}`);
    },
  });
}

export interface GoalRequest extends GoalBudget {
  readonly text: string;
  readonly priority: number;
}

/** Changes goals, each change on record with who made it. */
export class GoalChanges {
  readonly #db: JarvisDatabase;
  readonly #executor: Pick<ActionExecutor, "perform">;

  constructor(db: JarvisDatabase, executor: Pick<ActionExecutor, "perform">) {
    this.#db = db;
    this.#executor = executor;
  }

  async add(goal: GoalRequest, by: Principal): Promise<GoalRow> {
    const goalId = newGoalId();
    const given = { change: "add", goalId, ...goal, requestedBy: by.name };
    await this.#perform(goalId, given, `${by.name} adds a goal`, by);
    return await this.read(goalId);
  }

  /** @throws GoalRefused where it is not in a state for it. */
  async move(
    goalId: string,
    move: GoalMove,
    { by, reason }: { by: Principal; reason: string },
  ): Promise<GoalRow> {
    const { state } = await this.read(goalId);
    if (afterMove(state, move) === null) {
      throw new GoalRefused("goal-not-there", `Goal ${goalId} is ${state}.`);
    }
    const given = { change: move, goalId, detail: reason.slice(0, 4_000) };
    await this.#perform(goalId, given, reason, by);
    return await this.read(goalId);
  }

  /** @throws GoalRefused where there is none of that id. */
  async read(goalId: string): Promise<GoalRow> {
    const goal = await readGoal(this.#db, goalId);
    if (goal !== null) return goal;
    throw new GoalRefused(
      "goal-unknown",
      `There is no goal ${goalId}; \`jarvis goal list\` lists them.`,
    );
  }

  async #perform(
    goalId: string,
    given: z.infer<typeof parameters> | Record<string, unknown>,
    reason: string,
    by: Principal,
  ): Promise<void> {
    const outcome = await this.#executor.perform({
      actionName: CHANGE_GOAL,
      parameters: given,
      reason,
      requester: by,
      agentId: null,
      sessionId: `goal:${goalId}`,
    });
    if (outcome.outcome === "completed") return;
    if (outcome.outcome === "invalid") {
      const [first] = outcome.errors;
      throw new OperatorError(
        "malformed-proposal",
        `The goal cannot be kept: ${first?.message ?? "unknown problem"}.`,
      );
    }
    const why =
      "detail" in outcome ? outcome.detail : "error" in outcome ? outcome.error : outcome.reason;
    throw new GoalRefused("goal-not-changed", `Goal ${goalId} was not changed: ${why}.`);
  }
}
