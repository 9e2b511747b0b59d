import { describe, expect, it } from "vitest";
import { releaseOfWorkingTree } from "../../testing/body-release.ts";
import { keepForTest } from "../../testing/kept-body.ts";
import { wholeRound } from "../../testing/whole-round.ts";
import { AUTHOR } from "../../body/protocol.ts";
import { knownAnswers } from "./known-answers.ts";
import type { AskOutcome } from "./requests.ts";

const timeoutMs = 5000;

describe("the body of this repository", () => {
  it("becomes ready, beats, answers every probe as its examples and its baseline do, and stops", async () => {
    const release = releaseOfWorkingTree();
    const { keeper, until, seen } = keepForTest({ release });
    const baseline = keepForTest({ release }).keeper;
    expect([await keeper.ready(), await baseline.ready()]).toEqual([true, true]);
    expect(keeper.tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["json-pointer", "line-search", "text-statistics"]),
    );
    await until("heartbeat");
    expect((await until("memory")).bytes).toBeLessThan(128 * 2 ** 20);

    const known = await knownAnswers(release, release);
    const results = await wholeRound(keeper, baseline, 7, { known, variations: 10, timeoutMs });
    expect(results.filter(({ verdict }) => verdict !== "right")).toEqual([]);
    // Only what reads is asked.
    const reads = keeper.tools.flatMap(({ name, effect }) => (effect === "read" ? [name] : []));
    expect(results).toHaveLength(known.filter(({ tool }) => reads.includes(tool)).length * 11);
    expect(new Set(results.map(({ tool }) => tool))).toEqual(new Set(reads));
    await keeper.stop();
    expect([seen("exited"), seen("protocol-violation"), seen("self-report")]).toEqual([[], [], []]);
  });

  it("works on a goal: each step is asked for, decided, ordered and reported", async () => {
    const decided: string[] = [];
    const refusing = new Set(["text-statistics"]);
    const { keeper, reports, seen } = keepForTest({
      release: releaseOfWorkingTree(),
      requests: {
        async ask({ tool, input, goalId }): Promise<AskOutcome> {
          decided.push(`${goalId}: ${tool}`);
          if (tool === AUTHOR) return { outcome: "completed", output: { outcome: "proposed" } };
          if (refusing.has(tool)) return { outcome: "refused", reason: "observe-only" };
          const answer = await keeper.perform(tool, input);
          return answer.ok
            ? { outcome: "completed", output: answer.output }
            : { outcome: "failed", reason: answer.error.message };
        },
      },
    });
    await keeper.ready();
    const search = { tool: "line-search", input: { text: "a\nb\nab", find: "b" } };
    keeper.giveGoal({ id: "g1", text: "Look twice", steps: [search, search] });
    const count = { tool: "text-statistics", input: { text: "a" } };
    keeper.giveGoal({ id: "g2", text: "Count", steps: [count, search] });
    keeper.giveGoal({ id: "g3", text: "Fail", steps: [{ ...search, input: { text: "" } }] });
    keeper.giveGoal({ id: "g4", text: "No plan" });
    while (reports.length < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(decided).toEqual([
      "g1: line-search",
      "g1: line-search",
      "g2: text-statistics",
      "g3: line-search",
      // A goal without a plan is one for a change, which the kernel has written.
      "g4: author",
    ]);
    expect(reports).toEqual([
      { goalId: "g1", done: false, text: expect.stringContaining('"total":2') },
      { goalId: "g1", done: true, text: expect.stringContaining("Step 2 of 2") },
      { goalId: "g2", done: false, text: expect.stringContaining("observe-only") },
      { goalId: "g3", done: false, text: expect.stringContaining("cannot read its input: find") },
      { goalId: "g4", done: false, text: expect.stringContaining("proposed") },
    ]);
    expect(seen("cycle").map(({ outcome }) => outcome)).toEqual([
      "completed",
      "completed",
      "refused",
      "error",
      "completed",
    ]);
  });

  it("is ready within two seconds", async () => {
    const release = releaseOfWorkingTree();
    const times: number[] = [];
    for (let index = 0; index < 3; index += 1) {
      const { keeper, until } = keepForTest({ release });
      times.push((await until("started")).startedInMs);
      await keeper.stop();
    }
    // The quickest: whatever else the machine does is not the body's.
    expect(Math.min(...times)).toBeLessThan(2000);
  });
});
