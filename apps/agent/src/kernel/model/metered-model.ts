import { modelCalls, type JarvisDatabase, type ModelCallOutcome } from "@jarvis/db";
import { redactSecrets } from "@jarvis/operator-core";
import { eq } from "drizzle-orm";
import { spentOn } from "../goals/goal-store.ts";
import { budgetEnd, costOf, estimatedTokens, usedTokens } from "./budget.ts";
import type { Budgets, ModelConfig } from "./model-config.ts";
import {
  ModelError,
  type ModelAnswer,
  type ModelPort,
  type ModelRequest,
  type Usage,
} from "./model-port.ts";
import { charactersOf } from "./sdk-model.ts";

const DAY_MS = 86_400_000;
const unknownUsage: Usage = { inputTokens: null, outputTokens: null };

/** For whom a model is asked, and within what. */
export interface Account {
  readonly goalId: string;
  readonly attempt: number;
  readonly budgets: Budgets;
}

/**
 * Counts every request before it is sent, with what it may take at most, and refuses it (`budget`)
 * where a budget does not take it. Its end replaces the estimate by what was used. Written before, so
 * that a crash in between leaves it counted.
 */
export function meteredModel(
  model: ModelPort,
  options: {
    readonly db: JarvisDatabase;
    readonly price: ModelConfig["price"];
    readonly account: Account;
  },
): ModelPort {
  const { db, price, account } = options;
  const { goalId, attempt, budgets } = account;

  async function end(
    id: number,
    facts: {
      outcome: ModelCallOutcome;
      detail: string | null;
      used: { inputTokens: number; outputTokens: number };
      durationMs: number;
    },
  ): Promise<void> {
    const { used, detail, ...rest } = facts;
    await db
      .update(modelCalls)
      .set({
        ...rest,
        ...used,
        microUsd: costOf(price, used),
        detail:
          detail === null
            ? null
            : String(redactSecrets(detail).value).replaceAll("\0", "").slice(0, 1_000),
      })
      .where(eq(modelCalls.id, id));
  }

  return {
    name: model.name,
    async ask(request: ModelRequest, signal: AbortSignal): Promise<ModelAnswer> {
      const sentCharacters = charactersOf(request);
      const atMost = {
        inputTokens: estimatedTokens(sentCharacters),
        outputTokens: request.maxOutputTokens,
      };
      const microUsd = costOf(price, atMost);
      const over = budgetEnd(
        [
          { span: "run", limits: budgets.run, spent: await spentOn(db, { goalId, attempt }) },
          { span: "goal", limits: budgets.goal, spent: await spentOn(db, { goalId }) },
          {
            span: "day",
            limits: budgets.day,
            spent: await spentOn(db, { since: new Date(Date.now() - DAY_MS) }),
          },
        ],
        { tokens: atMost.inputTokens + atMost.outputTokens, microUsd },
      );
      if (over !== null) {
        throw new ModelError(over.span === "day" ? "day-budget" : "budget", over.detail);
      }
      const [row] = await db
        .insert(modelCalls)
        .values({ goalId, attempt, model: model.name, ...atMost, microUsd })
        .returning();
      if (row === undefined) throw new Error("the database took a call of a model and gave none.");
      const startedAt = performance.now();
      const since = (): number => Math.round(performance.now() - startedAt);
      try {
        const answer = await model.ask(request, signal);
        const seen = { sentCharacters, receivedCharacters: JSON.stringify(answer).length };
        const used = usedTokens(answer.usage, seen);
        await end(row.id, { outcome: "answered", detail: null, used, durationMs: since() });
        return answer;
      } catch (error) {
        const durationMs = since();
        if (!(error instanceof ModelError)) {
          await end(row.id, { outcome: "failed", detail: "a bug", used: atMost, durationMs });
          throw error;
        }
        await end(row.id, {
          outcome: error.code === "stopped" ? "aborted" : "failed",
          detail: `${error.code}: ${error.message}`,
          used: isFree(error)
            ? nothing
            : usedTokens(unknownUsage, {
                sentCharacters,
                receivedCharacters: error.receivedCharacters,
              }),
          durationMs,
        });
        throw error;
      }
    },
  };
}

const nothing = { inputTokens: 0, outputTokens: 0 };

/** The host did not begin to work on it. */
function isFree({ code, receivedCharacters }: ModelError): boolean {
  return receivedCharacters === 0 && code !== "stopped" && code !== "cut" && code !== "silent";
}
