import { describe, expect, it } from "vitest";
import { isDeeperThan } from "./json-depth.ts";

const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));

describe("isDeeperThan", () => {
  it.each([
    ["a plain value", 1],
    ["nothing", null],
    ["a list a hundred steps down", nested(101)],
    ["many values beside each other", Array.from({ length: 10_000 }, () => ({ a: [1] }))],
  ])("lets %s pass", (_, document) => {
    expect(isDeeperThan(document, 100)).toBe(false);
  });

  it.each([
    ["one a step below", nested(102)],
    ["more than any stack holds", nested(50_000)],
    ["depth in an object's last value", { a: 1, b: nested(101) }],
  ])("refuses %s", (_, document) => {
    expect(isDeeperThan(document, 100)).toBe(true);
  });
});
