import { describe, expect, it } from "vitest";
import { decideAfterRequest, type AfterRequest } from "./landing-refusal.ts";

const refusedFor = (reason: "base-moved" | "status-failing" | "landing-refused") => ({
  refusal: { reason, message: "no" },
  unanswered: 0,
});

describe("after a request to land that did not land", () => {
  it.each<[string, Partial<AfterRequest>, string]>([
    ["no answer, the first time", { unanswered: 1 }, "send-again"],
    ["no answer, the second time", { unanswered: 2 }, "send-again"],
    ["no answer, the third time", { unanswered: 3 }, "leave-open"],
    [
      "no answer, and an earlier request may be on its way",
      { unanswered: 3, mayBeOnItsWay: true },
      "leave-open",
    ],
    ["the base moved", refusedFor("base-moved"), "give-up"],
    ["a rule forbids it", refusedFor("landing-refused"), "give-up"],
    [
      "a rule forbids it, and nothing is fenced",
      { ...refusedFor("landing-refused"), isFenced: false },
      "give-up",
    ],
    ["a status is missing", refusedFor("status-failing"), "wait"],
    [
      "a status is missing after all waits",
      { ...refusedFor("status-failing"), waits: 4 },
      "give-up",
    ],
    [
      "a status is missing, and none of it is ours",
      { ...refusedFor("status-failing"), isFenced: false },
      "give-up",
    ],
    [
      "a status is missing after all waits, and an earlier request may be on its way",
      { ...refusedFor("status-failing"), waits: 4, mayBeOnItsWay: true },
      "settle",
    ],
    [
      "a status is missing, none of it is ours, and an earlier request may be on its way",
      { ...refusedFor("status-failing"), isFenced: false, mayBeOnItsWay: true },
      "settle",
    ],
  ])("%s", (_, known, kind) => {
    const nothing = { refusal: null, unanswered: 0, waits: 0, isFenced: true };
    const next = decideAfterRequest({ ...nothing, mayBeOnItsWay: false, ...known });
    expect(next.kind).toBe(kind);
  });

  it("waits longer each time", () => {
    const delays = [0, 1, 2, 3].map((waits) => {
      const known = { ...refusedFor("status-failing"), isFenced: true, mayBeOnItsWay: false };
      const next = decideAfterRequest({ ...known, waits });
      return next.kind === "wait" ? next.delayMs : null;
    });
    expect(delays).toEqual([100, 300, 900, 2000]);
  });
});
