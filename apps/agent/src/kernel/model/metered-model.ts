import { modelCalls, type JarvisDatabase, type ModelCallOutcome } from "@jarvis/db";
import { redactSecrets } from "@jarvis/operator-core";
import { eq, sql } from "drizzle-orm";
import { spentOn } from "../goals/goal-store.ts";
import {
  budgetEnd,
  costOf,
  estimatedTokens,
  firstOver,
  usedTokens,
  type BudgetSpan,
} from "./budget.ts";
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
/** Timers wrap around beyond it. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const unknownUsage: Usage = { inputTokens: null, outputTokens: null };

/** For whom a model is asked, and within what. */
export interface Account {
  readonly goalId: string;
  readonly attempt: number;
  readonly budgets: Budgets;
}

/**
 * Counts every request before it is sent, with what it may take at most, and refuses it (`budget`)
 * where a budget does not take it; one that runs on when a budget's minutes are over is ended. Its end replaces the estimate by what was used. Written before, so
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
      const { id, clock } = await reserve(db, { ...account, model: model.name, atMost, microUsd });
      const startedAt = performance.now();
      const since = (): number => Math.round(performance.now() - startedAt);
      const timeOver = new AbortController();
      const timer = setTimeout(
        () => timeOver.abort(),
        Math.min(clock?.leftMs ?? LONGEST_TIMER_MS, LONGEST_TIMER_MS),
      );
      try {
        const answer = await model.ask(request, AbortSignal.any([signal, timeOver.signal]));
        const seen = { sentCharacters, receivedCharacters: JSON.stringify(answer).length };
        const used = usedTokens(answer.usage, seen);
        await end(id, { outcome: "answered", detail: null, used, durationMs: since() });
        return answer;
      } catch (error) {
        const durationMs = since();
        if (!(error instanceof ModelError)) {
          await end(id, { outcome: "failed", detail: "a bug", used: atMost, durationMs });
          throw error;
        }
        await end(id, {
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
        if (clock !== null && error.code === "stopped" && timeOver.signal.aborted) {
          throw refusalOf(clock, error);
        }
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/**
 * Writes a request down with what it may take, where every budget takes that. One after the other: two
 * that ask at the same time must not both be given what is there once.
 */
async function reserve(
  db: JarvisDatabase,
  wanted: Account & {
    readonly model: string;
    readonly atMost: { inputTokens: number; outputTokens: number };
    readonly microUsd: number;
  },
): Promise<{ readonly id: number; readonly clock: ReturnType<typeof firstOver> }> {
  const { goalId, attempt, budgets, model, atMost, microUsd } = wanted;
  return await db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('model-budget', 0))`);
    const day = { since: new Date(Date.now() - DAY_MS) };
    const accounts = [
      { span: "run", limits: budgets.run, spent: await spentOn(tx, { goalId, attempt }) },
      { span: "goal", limits: budgets.goal, spent: await spentOn(tx, { goalId }) },
      { span: "day", limits: budgets.day, spent: await spentOn(tx, day) },
    ] as const;
    const tokens = atMost.inputTokens + atMost.outputTokens;
    const over = budgetEnd(accounts, { tokens, microUsd });
    if (over !== null) throw refusalOf(over);
    const [row] = await tx
      .insert(modelCalls)
      .values({ goalId, attempt, model, ...atMost, microUsd })
      .returning();
    if (row === undefined) throw new Error("the database took a call of a model and gave none.");
    return { id: row.id, clock: firstOver(accounts) };
  });
}

function refusalOf(over: { span: BudgetSpan; detail: string }, cause?: ModelError): ModelError {
  const code = over.span === "day" ? "day-budget" : "budget";
  return new ModelError(code, over.detail, { cause });
}

const nothing = { inputTokens: 0, outputTokens: 0 };

/** The host did not begin to work on it. */
function isFree({ code, receivedCharacters }: ModelError): boolean {
  return receivedCharacters === 0 && code !== "stopped" && code !== "cut" && code !== "silent";
}
