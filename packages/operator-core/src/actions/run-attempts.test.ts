import { describe, expect, it } from "vitest";
import { anAction, untilStopped } from "../testing/action-world.ts";
import type { ActionDefinition } from "./action-definition.ts";
import { attemptLimits, backoffMs, runAttempts } from "./run-attempts.ts";

const limits = { ...attemptLimits, firstDelayMs: 1, graceMs: 50 };

describe("running an action", () => {
  it("answers what it returned", async () => {
    const action = anAction({ run: async (parameters) => ({ got: parameters }) });
    expect(await run(action)).toEqual({
      ended: "completed",
      result: { got: { text: "a note" } },
      attempts: 1,
      settled: true,
    });
  });

  it("fails once where it is not idempotent", async () => {
    const flaky = failing(1);
    expect(await run(anAction({ run: flaky.run }))).toMatchObject({
      ended: "failed",
      error: "failure 1",
      attempts: 1,
    });
    expect(flaky.calls()).toBe(1);
  });

  it("is tried again where it is idempotent, up to its limit", async () => {
    const idempotent = true;
    const twice = await run(anAction({ idempotent, run: failing(2).run }));
    expect(twice).toMatchObject({ ended: "completed", attempts: 3 });
    const thrice = await run(anAction({ idempotent, run: failing(3).run }));
    expect(thrice).toMatchObject({ ended: "failed", error: "failure 3", attempts: 3 });
  });

  it("is looked at before each attempt", async () => {
    const answers = [null, "observe-only"];
    const blocked = async () => answers.shift() ?? null;
    const flaky = failing(9);
    const end = await run(anAction({ idempotent: true, run: flaky.run }), { blocked });
    expect(end).toMatchObject({ ended: "stopped", reason: "observe-only", attempts: 1 });
    expect(flaky.calls()).toBe(1);
  });

  it("does not begin where the order to stop came while it was looked at", async () => {
    const stop = new AbortController();
    const blocked = async () => {
      stop.abort("the kill switch was pressed");
      return null;
    };
    const flaky = failing(0);
    const end = await run(anAction({ run: flaky.run }), { blocked, stop: stop.signal });
    expect(end).toMatchObject({ ended: "stopped", reason: "the kill switch was pressed" });
    expect(flaky.calls()).toBe(0);
  });

  it("does not begin where it could not be looked", async () => {
    const blocked = () => Promise.reject(new Error("no database"));
    const flaky = failing(0);
    const end = await run(anAction({ run: flaky.run }), { blocked });
    expect(end).toMatchObject({ ended: "stopped", reason: "no database", attempts: 0 });
    expect(flaky.calls()).toBe(0);
  });

  it("fails by its timeout, also when it does not listen", async () => {
    const listening = anAction({ timeoutMs: 20, run: (_, context) => untilStopped(context) });
    const error = "timed out after 20 ms";
    expect(await run(listening)).toMatchObject({ ended: "failed", error, settled: true });
    const deaf = anAction({ timeoutMs: 20, idempotent: true, run: () => new Promise(() => {}) });
    // Not tried again beside itself.
    expect(await run(deaf)).toMatchObject({ ended: "failed", error, settled: false, attempts: 1 });
  });

  it("stops with the reason it was told, and that one wins over the error it makes", async () => {
    const stop = new AbortController();
    const end = run(anAction({ run: (_, context) => untilStopped(context) }), {
      stop: stop.signal,
    });
    stop.abort("the kill switch was pressed");
    expect(await end).toMatchObject({ ended: "stopped", reason: "the kill switch was pressed" });
  });

  it("has completed where it returns although it was told to stop", async () => {
    const stop = new AbortController();
    const run1 = async () => {
      stop.abort("too late");
      return "merged";
    };
    const end = await run(anAction({ run: run1 }), { stop: stop.signal });
    expect(end).toMatchObject({ ended: "completed", result: "merged" });
  });

  it("does not wait for the next attempt once it is told to stop", async () => {
    const stop = new AbortController();
    const end = run(anAction({ idempotent: true, run: failing(9).run }), {
      stop: stop.signal,
      limits: { ...limits, firstDelayMs: 60_000, maxDelayMs: 60_000 },
    });
    setTimeout(() => stop.abort("closing"), 20);
    expect(await end).toMatchObject({ ended: "stopped", reason: "closing", attempts: 1 });
  });

  it("fails where it throws before its first await, and where it throws no error", async () => {
    const early = anAction({
      run: () => {
        throw new Error("early");
      },
    });
    expect(await run(early)).toMatchObject({ ended: "failed", error: "early" });
  });
});

it("waits longer each time, never over the limit, and not all at the same moment", () => {
  const delays = [1, 2, 3, 4, 9].map((attempt) => backoffMs(attempt, attemptLimits, 1));
  expect(delays).toEqual([200, 400, 800, 1600, 5000]);
  expect(backoffMs(1, attemptLimits, 0)).toBe(100);
});

function run(
  definition: ActionDefinition,
  overrides: Partial<Parameters<typeof runAttempts>[0]> = {},
) {
  return runAttempts({
    definition,
    parameters: { text: "a note" },
    proposalId: 1,
    stop: new AbortController().signal,
    blocked: async () => null,
    perform: () => () => Promise.reject(new Error("there is no executor here")),
    limits,
    random: () => 1,
    ...overrides,
  });
}

function failing(times: number) {
  let calls = 0;
  return {
    calls: () => calls,
    run: async () => {
      calls += 1;
      if (calls <= times) throw new Error(`failure ${calls}`);
      return "done";
    },
  };
}
