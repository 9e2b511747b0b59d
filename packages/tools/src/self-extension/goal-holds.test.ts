import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goalHeld, goalHolds, liftedRuns, type Lifts, type RolledBackRun } from "./goal-holds.ts";

const none: Lifts = new Map();
const first = run(1, "goal-1", "Count faster");
const second = run(2, "goal-1", "Count even faster");

describe("a goal that was rolled back", () => {
  it("once is not paused, twice is", () => {
    expect(goalHolds([first], none)).toEqual([]);
    expect(goalHolds([first, second], none)).toMatchObject([
      { goalId: "goal-1", goal: "Count even faster", runIds: ["run-1", "run-2"], since: at(2) },
    ]);
  });

  it.each<[string, RolledBackRun, RolledBackRun, number]>([
    ["by its id", run(1, "g", null), run(2, "g", "else"), 1],
    ["by its text in another spelling", run(1, null, "Do  it"), run(2, null, " do it"), 1],
    ["by no text beside no text", run(1, null, null), run(2, null, ""), 0],
    ["by another goal", run(1, "g", "one"), run(2, "h", "two"), 0],
  ])("is known %s", (_, one, other, count) => {
    expect(goalHolds([one, other], none)).toHaveLength(count);
  });

  it("is refused by either name, and nothing else is", () => {
    const holds = goalHolds([first, second], none);
    expect(goalHeld(holds, { goalId: "goal-1", goal: null })).not.toBeNull();
    expect(goalHeld(holds, { goalId: null, goal: "count EVEN faster" })).not.toBeNull();
    expect(goalHeld(holds, { goalId: "goal-2", goal: "Something else" })).toBeNull();
    expect(goalHeld(holds, { goalId: null, goal: null })).toBeNull();
  });

  it("goes on when it is lifted, until it was rolled back twice again", () => {
    const [hold] = goalHolds([first, second], none);
    const lifts = new Map([[hold?.id ?? "", at(3)]]);
    expect(goalHolds([first, second], lifts)).toEqual([]);
    expect(goalHolds([first, second, run(4, "goal-1", "x")], lifts)).toEqual([]);
    const again = goalHolds([first, second, run(4, "goal-1", "x"), run(5, "goal-1", "y")], lifts);
    expect(again).toMatchObject([{ id: hold?.id, runIds: ["run-4", "run-5"] }]);
  });

  it("is lifted with what was rolled back for it until then, and with nothing later", () => {
    const [hold] = goalHolds([first, second], none);
    const lifts = new Map([[hold?.id ?? "", at(3)]]);
    const runs = [first, second, run(4, "goal-1", "x"), run(5, "other", null)];
    expect([...liftedRuns(lifts, runs)]).toEqual(["run-1", "run-2"]);
    // The hold of one change does not let the goal go on.
    expect(goalHolds([first, second], new Map([["run-1", at(3)]]))).toHaveLength(1);
  });

  it("is lifted by nothing that was said before it was rolled back", () => {
    expect(liftedRuns(new Map([["run-2", at(1)]]), [first, second])).toEqual(new Set());
    expect(liftedRuns(new Map([["run-2", at(2)]]), [first, second])).toEqual(new Set(["run-2"]));
  });

  it("finds the goals of many at once", () => {
    const runs = Array.from({ length: 20_000 }, (_, index) => run(index, `goal-${index}`, null));
    expect(liftedRuns(none, runs).size).toBe(0);
    expect(goalHolds([...runs, run(20_000, "goal-7", null)], none)).toHaveLength(1);
  });

  it("belongs to the first goal that has its id or its text", () => {
    const runs = [run(1, "a", "one"), run(2, "b", "two"), run(3, "b", "one"), run(4, null, "two")];
    expect(goalHolds(runs, none).map(({ runIds }) => runIds)).toEqual([
      ["run-1", "run-3"],
      ["run-2", "run-4"],
    ]);
  });

  it("is paused exactly from its second rollback since its last lift, whatever the others do", () => {
    const event = fc.record({ goal: fc.constantFrom("a", "b"), lifts: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const runs: RolledBackRun[] = [];
        const lifts = new Map<string, string>();
        const since: Record<string, number> = { a: 0, b: 0 };
        for (const [index, { goal, lifts: isLift }] of events.entries()) {
          const hold = goalHeld(goalHolds(runs, lifts), { goalId: goal, goal: null });
          expect(hold !== null).toBe((since[goal] ?? 0) >= 2);
          if (isLift && hold !== null) {
            lifts.set(hold.id, at(index));
            since[goal] = 0;
          } else if (!isLift) {
            runs.push(run(index, goal, null));
            since[goal] = (since[goal] ?? 0) + 1;
          }
        }
      }),
    );
  });
});

function run(seconds: number, goalId: string | null, goal: string | null): RolledBackRun {
  return { runId: `run-${seconds}`, title: "t", goalId, goal, since: at(seconds) };
}

function at(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
}
