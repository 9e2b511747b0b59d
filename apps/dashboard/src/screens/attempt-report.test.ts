import { expect, it } from "vitest";
import { readReport } from "./attempt-report.ts";

const empty = {
  reason: "",
  blockReasons: [],
  stage: null,
  failingTests: [],
  tail: "",
  plan: [],
  tried: [],
};

it("reads what is kept of an attempt", () => {
  const report = { ...empty, reason: "two tests failed", stage: "tests", failingTests: ["adds"] };
  expect(readReport(JSON.stringify(report))).toEqual(report);
});

it.each([
  [null, null],
  ["{", null],
  ["3", null],
  ["{}", empty],
  [`{"reason":3,"failingTests":["a",3],"stage":{}}`, { ...empty, failingTests: ["a"] }],
])("takes %j for what can be read of it", (text, expected) => {
  expect(readReport(text)).toEqual(expected);
});
