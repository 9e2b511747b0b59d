import { resolve } from "node:path";
import { z } from "zod";

export const modelProviders = [
  "anthropic",
  "openai",
  "openai-compatible",
  "openrouter",
  "ollama",
  "replay",
] as const;
export type ModelProvider = (typeof modelProviders)[number];

/** Where a host is asked whose address is its own and needs no setting. */
const knownHosts: Partial<Record<ModelProvider, string>> = {
  openrouter: "https://openrouter.ai/api/v1",
  ollama: "http://127.0.0.1:11434/v1",
};

/** Limits of what may be asked of models; null is none. Money in millionths of a dollar. */
export interface BudgetLimits {
  readonly tokens: number | null;
  readonly microUsd: number | null;
  readonly steps: number | null;
  readonly minutes: number | null;
}

export interface Budgets {
  /** Of one attempt at a goal, which leads to one run. */
  readonly run: BudgetLimits;
  readonly goal: BudgetLimits;
  /** Of twenty-four hours. */
  readonly day: BudgetLimits;
}

export interface ModelConfig {
  readonly provider: ModelProvider;
  readonly model: string;
  /** Null: the provider's own. */
  readonly baseUrl: string | null;
  readonly key: string | null;
  /** Read at every request, so that a key can be changed under a running kernel. */
  readonly keyFile: string | null;
  /** Dollars for a million tokens; null where nobody said, and no money is counted. */
  readonly price: { readonly input: number; readonly output: number } | null;
  readonly budgets: Budgets;
  /** Every exchange is written there; null for none. */
  readonly recordTo: string | null;
  readonly maxOutputTokens: number;
  /** Attempts at a goal that does not say. */
  readonly attempts: number;
}

const spans = ["run", "goal", "day"] as const;
const units = ["tokens", "usd", "steps", "minutes"] as const;

const defaults: Record<(typeof spans)[number], BudgetLimits> = {
  run: { tokens: 1_000_000, microUsd: null, steps: 80, minutes: 45 },
  goal: { tokens: 4_000_000, microUsd: null, steps: 320, minutes: 180 },
  day: { tokens: 20_000_000, microUsd: null, steps: null, minutes: null },
};

const positive = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,6})?$/)
  .transform(Number)
  .refine((value) => value > 0);

export interface ModelSettings {
  readonly model: string | undefined;
  readonly baseUrl: string | undefined;
  readonly key: string | undefined;
  readonly keyFile: string | undefined;
  readonly price: string | undefined;
  readonly budget: string | undefined;
  readonly record: string | undefined;
  readonly maxOutputTokens: string | undefined;
  readonly attempts: string | undefined;
}

/** The model that goals are worked on with, or null for none. Throws an Error that names the setting. */
export function readModelConfig(settings: ModelSettings, directory: string): ModelConfig | null {
  const { model: named } = settings;
  if (named === undefined) return null;
  const cut = named.indexOf("/");
  const provider = modelProviders.find((known) => known === named.slice(0, cut));
  const model = named.slice(cut + 1);
  if (cut < 1 || model === "" || provider === undefined) {
    throw new Error(
      `JARVIS_MODEL is wrong: expected provider/model with one of ${modelProviders.join(", ")}, got ${JSON.stringify(named)}.`,
    );
  }
  const baseUrl = settings.baseUrl ?? knownHosts[provider] ?? null;
  if (baseUrl !== null && !z.url({ protocol: /^https?$/ }).safeParse(baseUrl).success) {
    throw new Error(
      "JARVIS_MODEL_BASE_URL is wrong: expected an http or https URL, such as https://host/v1.",
    );
  }
  if (provider === "openai-compatible" && baseUrl === null) {
    throw new Error("JARVIS_MODEL_BASE_URL is missing: openai-compatible is asked at its URL.");
  }
  if (settings.key !== undefined && settings.keyFile !== undefined) {
    throw new Error("JARVIS_MODEL_KEY and JARVIS_MODEL_KEY_FILE are both set: leave one out.");
  }
  const price = readPrice(settings.price);
  const budgets = readBudgets(settings.budget);
  const countsMoney = spans.some((span) => budgets[span].microUsd !== null);
  if (countsMoney && price === null && provider !== "replay") {
    throw new Error(
      "JARVIS_MODEL_PRICE is missing: a budget in usd cannot be kept without what tokens cost, as INPUT/OUTPUT in dollars for a million.",
    );
  }
  return {
    provider,
    model: provider === "replay" ? resolve(directory, model) : model,
    baseUrl,
    key: settings.key ?? null,
    keyFile: settings.keyFile === undefined ? null : resolve(directory, settings.keyFile),
    price,
    budgets,
    recordTo: settings.record === undefined ? null : resolve(directory, settings.record),
    maxOutputTokens: whole("JARVIS_MODEL_MAX_OUTPUT", settings.maxOutputTokens, 16_384),
    attempts: whole("JARVIS_GOAL_ATTEMPTS", settings.attempts, 5),
  };
}

function readPrice(text: string | undefined): ModelConfig["price"] {
  if (text === undefined) return null;
  const [input, output, ...more] = text
    .split("/")
    .map((part) => positive.or(z.literal("0").transform(() => 0)).safeParse(part.trim()));
  if (input?.success !== true || output?.success !== true || more.length > 0) {
    throw new Error(
      `JARVIS_MODEL_PRICE is wrong: expected INPUT/OUTPUT in dollars for a million tokens, such as 3/15, got ${JSON.stringify(text)}.`,
    );
  }
  return { input: input.data, output: output.data };
}

function readBudgets(text: string | undefined): Budgets {
  const budgets = {
    run: { ...defaults.run },
    goal: { ...defaults.goal },
    day: { ...defaults.day },
  };
  for (const part of (text ?? "").split(",").filter((each) => each.trim() !== "")) {
    const [, span = "", unit = "", given = ""] =
      /^\s*(\w+)\.(\w+)\s*=\s*(\S+)\s*$/.exec(part) ?? [];
    const amount = positive.safeParse(given);
    const inSpan = spans.find((known) => known === span);
    const inUnit = units.find((known) => known === unit);
    if (inSpan === undefined || inUnit === undefined || !amount.success) {
      throw new Error(
        `JARVIS_BUDGET is wrong: expected entries such as day.usd=20 or goal.tokens=500000 (${spans.join(", ")}; ${units.join(", ")}), got ${JSON.stringify(part.trim())}.`,
      );
    }
    const limit =
      inUnit === "usd"
        ? { microUsd: Math.round(amount.data * 1_000_000) }
        : { [inUnit]: Math.floor(amount.data) };
    budgets[inSpan] = { ...budgets[inSpan], ...limit };
  }
  return budgets;
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (/^[1-9]\d{0,6}$/.test(text)) return value;
  throw new Error(`${name} is wrong: expected a whole number from 1, got ${JSON.stringify(text)}.`);
}
