import { expect, it } from "vitest";
import { goalRequest, noFields } from "./goal-request.ts";

it("sends what was typed, and no limit where none was", () => {
  expect(goalRequest({ ...noFields, text: " Halve. " })).toEqual({
    body: { text: "Halve.", priority: 0 },
  });
  expect(goalRequest({ text: "Halve.", priority: "-3", attempts: "2", dollars: "0.25" })).toEqual({
    body: { text: "Halve.", priority: -3, maxAttempts: 2, maxMicroUsd: 250_000 },
  });
});

it.each([
  ["text", "  "],
  ["priority", "high"],
  ["priority", "1.5"],
  ["attempts", "0"],
  ["attempts", "-1"],
  ["dollars", "0"],
  ["dollars", "1,50"],
] as const)("names the field that is wrong: %s as %j", (field, given) => {
  const answer = goalRequest({ ...noFields, text: "Halve.", [field]: given });
  expect("problems" in answer && Object.keys(answer.problems)).toEqual([field]);
});
