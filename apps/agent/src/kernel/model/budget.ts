import type { BudgetLimits, ModelConfig } from "./model-config.ts";
import type { Spent } from "../goals/goal-store.ts";
import type { Usage } from "./model-port.ts";

/** How a budget is named to people. */
export type BudgetSpan = "run" | "goal" | "day";

/** A budget that is used up. */
export interface BudgetEnd {
  readonly span: BudgetSpan;
  readonly unit: "tokens" | "usd" | "steps" | "minutes";
  /** One sentence for people. */
  readonly detail: string;
}

const spanWords: Record<BudgetSpan, string> = {
  run: "this attempt",
  goal: "this goal",
  day: "a day",
};

/**
 * The first budget that one more request does not fit into, with what it may take at most; null where
 * it fits into all. Pure: what is spent is read from the database, so that a restart forgets nothing.
 */
export function budgetEnd(
  budgets: readonly { span: BudgetSpan; limits: BudgetLimits; spent: Spent }[],
  next: { tokens: number; microUsd: number },
): BudgetEnd | null {
  for (const { span, limits, spent } of budgets) {
    const tokens = spent.inputTokens + spent.outputTokens;
    const checks = [
      { unit: "tokens", limit: limits.tokens, used: tokens, after: tokens + next.tokens },
      {
        unit: "usd",
        limit: limits.microUsd,
        used: spent.microUsd,
        after: spent.microUsd + next.microUsd,
      },
      { unit: "steps", limit: limits.steps, used: spent.steps, after: spent.steps + 1 },
      {
        unit: "minutes",
        limit: limits.minutes,
        used: spent.durationMs / 60_000,
        after: spent.durationMs / 60_000,
      },
    ] as const;
    for (const { unit, limit, used, after } of checks) {
      const isOver = limit !== null && (unit === "minutes" ? after >= limit : after > limit);
      if (!isOver) continue;
      const shown =
        unit === "usd"
          ? `${dollars(used)} of ${dollars(limit)} dollars`
          : `${Math.ceil(used)} of ${limit} ${unit}`;
      const detail = `The budget of ${spanWords[span]} does not take one more request to the model (${shown} used).`;
      return { span, unit, detail };
    }
  }
  return null;
}

/**
 * The budget whose minutes are over first while one more request is under way, and in how many
 * milliseconds; null where none is in minutes. Pure.
 */
export function firstOver(
  budgets: readonly { span: BudgetSpan; limits: BudgetLimits; spent: Spent }[],
): { readonly span: BudgetSpan; readonly leftMs: number; readonly detail: string } | null {
  const [first] = budgets
    .flatMap(({ span, limits: { minutes }, spent }) =>
      minutes === null ? [] : [{ span, minutes, leftMs: minutes * 60_000 - spent.durationMs }],
    )
    .toSorted((a, b) => a.leftMs - b.leftMs);
  if (first === undefined) return null;
  const { span, minutes, leftMs } = first;
  const detail = `The ${minutes} minutes of the model that ${spanWords[span]} may take were over in the middle of an answer.`;
  return { span, leftMs, detail };
}

export function dollars(microUsd: number): string {
  return (microUsd / 1_000_000).toFixed(2);
}

/** What tokens cost, rounded up; 0 where nobody said. */
export function costOf(
  price: ModelConfig["price"],
  usage: { inputTokens: number; outputTokens: number },
): number {
  if (price === null) return 0;
  return Math.ceil(usage.inputTokens * price.input + usage.outputTokens * price.output);
}

/** A token is rarely shorter than three characters of source text; what is unknown is counted high. */
export function estimatedTokens(characters: number): number {
  return Math.ceil(characters / 3);
}

/** What was used, where the provider did not say by what went and came. */
export function usedTokens(
  usage: Usage,
  seen: { sentCharacters: number; receivedCharacters: number },
): { inputTokens: number; outputTokens: number } {
  return {
    inputTokens: usage.inputTokens ?? estimatedTokens(seen.sentCharacters),
    outputTokens: usage.outputTokens ?? estimatedTokens(seen.receivedCharacters),
  };
}
