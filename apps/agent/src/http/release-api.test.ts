import { expect, it } from "vitest";
import { sentenceOf } from "./release-api.ts";

it.each([
  [{ outcome: "failed", error: "no-such-tool: There is no tool x." }, "x: There is no tool x."],
  [{ outcome: "failed", error: "no body runs" }, "x: no body runs."],
  [{ outcome: "refused", detail: "Jarvis only observes" }, "x: Jarvis only observes."],
  [{ outcome: "cancelled" }, "x: refused."],
])("a call that comes to nothing is one sentence: %j", (outcome, sentence) => {
  expect(sentenceOf("x", outcome)).toBe(sentence);
});
