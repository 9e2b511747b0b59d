import { goalStates } from "@jarvis/db";
import { describe, expect, it } from "vitest";
import type { AttemptOutcome } from "./attempt-outcomes.ts";
import { afterAttempt, whyOver, withTried } from "./goal-end.ts";
import { afterMove, goalMoves, type GoalMove } from "./goal-states.ts";
import { judgeAttempt } from "./judge-attempt.ts";

describe("a goal", () => {
  it.each<[string, AttemptOutcome[], string | null]>([
    ["that was not tried", [], null],
    ["that was refused twice of three times", ["refused", "refused"], null],
    ["that used all of its attempts", ["refused", "rolled-back", "refused"], "All 3 attempts"],
    ["whose model gave up", ["refused", "given-up"], "Attempt 2 ended: because"],
    ["whose budget is used up", ["budget"], "Attempt 1 ended: because"],
    ["that stands still once", ["no-progress"], null],
    ["that stands still twice in a row", ["no-progress", "no-progress"], "nothing new"],
    ["that moved in between", ["no-progress", "refused"], null],
    ["that was cut off by others", ["stopped", "interrupted", "model-unavailable"], null],
    ["that was cut off all the time", Array(12).fill("stopped"), "interrupted 12 times"],
  ])("%s", (_what, outcomes, expected) => {
    const report = JSON.stringify({ reason: "because" });
    const attempts = outcomes.map((outcome, index) => ({ outcome, number: index + 1, report }));
    const why = whyOver({ maxAttempts: 3 }, attempts, 99);
    if (expected === null) expect(why).toBeNull();
    else expect(why).toContain(expected);
  });

  it("is given up with what was tried, however much that was", () => {
    const attempt = (number: number, reason: string) => ({
      number,
      outcome: "refused",
      report: JSON.stringify({ reason }),
    });
    const two = [attempt(1, "tests:\n  adds failed"), attempt(2, "no build")];
    expect(withTried("All 2 attempts were used.", two)).toBe(
      "All 2 attempts were used. What was tried: 1. refused: tests: adds failed 2. refused: no build",
    );
    expect(withTried("Nobody tried.", [])).toBe("Nobody tried.");
    const many = Array.from({ length: 40 }, (_, at) => attempt(at + 1, "x".repeat(5_000)));
    const told = withTried("It was interrupted 40 times.", many);
    expect(told).toContain("40. refused");
    expect(told.length).toBeLessThan(4_000);
  });

  it("waits for a person when a day's budget is used up, until somebody touches it", () => {
    const report = JSON.stringify({ reason: "the day" });
    const last = { ...attempt, outcome: "day-budget", report };
    expect(afterAttempt(before, last)).toMatchObject({
      move: "pause",
      reason: expect.stringContaining("the day") as unknown,
    });
    expect(afterAttempt(since, last)).toBeNull();
    expect(afterAttempt(before, { ...last, outcome: "refused" })).toBeNull();
    expect(afterAttempt(before, undefined)).toBeNull();
  });

  it("waits for a person when a change was rolled back, until somebody touches it", () => {
    const last = { ...attempt, outcome: "rolled-back" };
    const after = afterAttempt(before, last);
    expect(after?.move).toBe("pause");
    expect(after?.reason).toContain("`jarvis hold lift run-1 --reason TEXT`");
    expect(after?.reason).toContain("`jarvis goal resume goal-1 --reason TEXT`");
    expect(afterAttempt(since, last)).toBeNull();
  });

  it("is reached by an accepted attempt, however long ago", () => {
    const last = { ...attempt, outcome: "accepted" };
    expect(afterAttempt(since, last)).toMatchObject({ move: "reach" });
  });

  it("moves from where a move begins and from nowhere else; what has ended stays", () => {
    for (const move of Object.keys(goalMoves) as GoalMove[]) {
      for (const state of goalStates) {
        const isFrom = goalMoves[move].from.some((from) => from === state);
        expect(afterMove(state, move)).toBe(isFrom ? goalMoves[move].to : null);
        if (["reached", "given-up", "cancelled"].includes(state)) expect(isFrom).toBe(false);
      }
    }
  });
});

const attempt = { number: 1, report: null, endedAt: new Date(10), runId: "run-1" };
const before = { id: "goal-1", updatedAt: new Date(5) };
const since = { id: "goal-1", updatedAt: new Date(20) };

describe("a proposed attempt", () => {
  it.each([
    ["blessed", true, "reached"],
    ["promoted", true, "waiting"],
    ["promoted", false, "reached"],
    ["watched", true, "waiting"],
    ["window-failed", true, "waiting"],
    ["rolled-back", true, "rolled-back"],
    ["rollback-failed", true, "rolled-back"],
    ["blocked", true, "refused"],
    ["failed", true, "refused"],
    ["parked", true, "waiting"],
    ["tested", true, "waiting"],
  ] as const)("whose run is %s (releases run: %s) is %s", (status, runsReleases, verdict) => {
    expect(judgeAttempt({ status, blockReasons: [] }, { runsReleases }).verdict).toBe(verdict);
  });
});
