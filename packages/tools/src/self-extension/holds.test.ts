import { describe, expect, it } from "vitest";
import { heldBy, type Hold, type HoldCandidate } from "./holds.ts";

const hold: Hold = {
  runId: "01990000-0000-7000-8000-000000000001",
  title: "Count faster",
  treeSha: "a".repeat(40),
  patchId: "b".repeat(40),
  goalId: "goal-1",
  goal: "Make counting  faster",
  since: "2026-01-01T00:00:00.000Z",
};
const other: HoldCandidate = {
  treeSha: "c".repeat(40),
  patchId: "d".repeat(40),
  goalId: null,
  goal: null,
};

describe("what was rolled back is held", () => {
  it.each<[string, Partial<HoldCandidate>, "tree" | "patch" | "goal"]>([
    ["the same tree", { treeSha: hold.treeSha }, "tree"],
    ["the same patch on another base", { patchId: hold.patchId }, "patch"],
    ["the same goal", { goalId: "goal-1" }, "goal"],
    ["the same goal in other spelling", { goal: " make counting faster " }, "goal"],
  ])("by %s", (_, same, because) => {
    expect(heldBy([hold], { ...other, ...same })).toEqual({ hold, because });
  });

  it.each<[string, Hold, HoldCandidate]>([
    ["another change", hold, other],
    ["no patch beside no patch", { ...hold, patchId: null }, { ...other, patchId: null }],
    ["no goal beside no goal", { ...hold, goalId: null, goal: null }, other],
    ["an empty goal", { ...hold, goalId: null, goal: "a goal" }, { ...other, goal: " " }],
  ])("and lets pass %s", (_, stands, candidate) => {
    expect(heldBy([stands], candidate)).toBeNull();
  });

  it("and lets everything pass where nothing is held", () => {
    expect(heldBy([], { ...hold })).toBeNull();
  });
});
