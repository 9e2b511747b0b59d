import { describe, expect, it } from "vitest";
import { readModelConfig, type ModelConfig, type ModelSettings } from "./model-config.ts";

const nothing: ModelSettings = {
  model: undefined,
  baseUrl: undefined,
  key: undefined,
  keyFile: undefined,
  price: undefined,
  budget: undefined,
  record: undefined,
  maxOutputTokens: undefined,
  attempts: undefined,
};

function read(given: Partial<ModelSettings>): ModelConfig | null {
  return readModelConfig({ ...nothing, ...given }, "/repo");
}

describe("the model's configuration", () => {
  it("is none without JARVIS_MODEL, and no other setting asks for one", () => {
    expect(read({})).toBeNull();
    expect(read({ key: "sk", budget: "nonsense" })).toBeNull();
  });

  it("names provider and model, where paths and prices belong", () => {
    expect(
      read({
        model: "openrouter/vendor/name",
        keyFile: "keys/one",
        price: "3/15",
        budget: "day.usd=2.5, goal.tokens=1000",
      }),
    ).toMatchObject({
      provider: "openrouter",
      model: "vendor/name",
      baseUrl: "https://openrouter.ai/api/v1",
      keyFile: "/repo/keys/one",
      price: { input: 3, output: 15 },
      budgets: { day: { microUsd: 2_500_000 }, goal: { tokens: 1000, steps: 320 } },
    });
    expect(read({ model: "replay/a/b.ndjson" })?.model).toBe("/repo/a/b.ndjson");
  });

  it.each([
    [{ model: "gpt" }, "JARVIS_MODEL is wrong"],
    [{ model: "nobody/gpt" }, "expected provider/model"],
    [{ model: "openai-compatible/m" }, "JARVIS_MODEL_BASE_URL is missing"],
    [{ model: "ollama/m", baseUrl: "file:///etc" }, "JARVIS_MODEL_BASE_URL is wrong"],
    [{ model: "ollama/m", key: "a", keyFile: "b" }, "both set"],
    [{ model: "ollama/m", price: "cheap" }, "JARVIS_MODEL_PRICE is wrong"],
    [{ model: "ollama/m", budget: "year.usd=1" }, "JARVIS_BUDGET is wrong"],
    [{ model: "ollama/m", budget: "day.usd=-1" }, "JARVIS_BUDGET is wrong"],
    [{ model: "ollama/m", budget: "day.usd=1" }, "JARVIS_MODEL_PRICE is missing"],
    [{ model: "ollama/m", attempts: "0" }, "JARVIS_GOAL_ATTEMPTS is wrong"],
  ])("%j is refused", (given, sentence) => {
    expect(() => read(given)).toThrow(sentence);
  });
});
