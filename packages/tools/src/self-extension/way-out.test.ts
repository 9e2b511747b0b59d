import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockReasons, isParking, type BlockReason } from "./block-reasons.ts";
import { isAccountedFor, wayOut, type Standing, type WayOutState } from "./way-out.ts";

const clear: Standing = {
  kernel: "answers",
  room: { level: "enough", detail: "There is room." },
  sandbox: { available: true, message: null },
  mode: "execute",
  killed: false,
  paused: false,
  base: { sha: "a".repeat(40), standing: "attested" },
  servingProblem: null,
  holds: [],
  unreverted: null,
  runs: [],
};
const revert = (...reasons: BlockReason[]) => ({
  runId: "r2",
  blockReasons: reasons,
  pullRequestUrl: "http://x/1",
});

describe("the way out", () => {
  it.each<[WayOutState, Partial<Standing>, string | null]>([
    ["clear", {}, null],
    ["clear", { base: null }, null],
    ["kernel-silent", { kernel: "silent" }, "jarvis kill --reason TEXT"],
    ["kernel-stopped", { kernel: "stopped" }, "jarvis up"],
    ["disk-low", { room: { level: "low", detail: "12 MiB" } }, null],
    ["disk-low", { room: { level: "short", detail: "0 MiB" } }, null],
    ["sandbox-unavailable", { sandbox: { available: false, message: "none" } }, "jarvis doctor"],
    ["base-rewritten", base("rewritten"), `jarvis accept ${"b".repeat(40)}`],
    ["base-unverified", base("unverified"), `jarvis accept ${"b".repeat(40)}`],
    ["not-serving", { servingProblem: "it does not build" }, "jarvis doctor"],
    ["killed", { mode: "observe", killed: true }, "jarvis mode observe --reason TEXT"],
    ["observing", { mode: "observe" }, "jarvis mode execute --reason TEXT"],
    ["promotion-paused", { paused: true }, "jarvis resume"],
    // A base that was rewritten has paused promotion: the pause alone would come back.
    ["base-rewritten", { ...base("rewritten"), paused: true }, `jarvis accept ${"b".repeat(40)}`],
    ["revert-stuck", unreverted(null), "jarvis hold lift r1 --reason TEXT"],
    ["revert-stuck", unreverted(revert("revert-conflict")), "jarvis hold lift r1 --reason TEXT"],
    [
      "revert-stuck",
      unreverted(revert("isolated-verification-failed")),
      "jarvis hold lift r1 --reason TEXT",
    ],
    // It goes on by itself.
    ["clear", unreverted(revert()), null],
    ["clear", unreverted(revert("health-window-open")), null],
    [
      "base-held",
      { holds: [{ id: "r1", kind: "base", title: "t" }] },
      "jarvis hold lift r1 --reason TEXT",
    ],
    [
      "goal-held",
      { holds: [{ id: "goal:1", kind: "goal", title: "t" }] },
      "jarvis hold lift goal:1 --reason TEXT",
    ],
    // What was rolled back and reverted only keeps itself from coming again.
    ["clear", { holds: [{ id: "r1", kind: "change", title: "t" }] }, null],
    ["run-waits", { runs: [revert("kernel-closure")] }, "jarvis actions"],
    ["run-waits", { runs: [revert("status-pending")] }, "jarvis show r2"],
  ])("of %s", (state, facts, command) => {
    const found = wayOut({ ...clear, ...facts });
    expect(found).toMatchObject({ state, command });
    expect(found.because).not.toBe("");
  });

  it("names the pull request in which a person finishes a revert", () => {
    const { because } = wayOut({ ...clear, ...unreverted(revert("revert-conflict")) });
    expect(because).toContain("http://x/1");
  });

  it("forgets no reason with which a run is parked", () => {
    const parking = blockReasons.filter((reason) => isParking([reason]));
    expect(parking.filter((reason) => !isAccountedFor(reason))).toEqual([]);
  });

  it("leads out of every state: what it names, done, ends at clear", () => {
    const ways = new Set<string>();
    fc.assert(
      fc.property(anyStanding, (start) => {
        let standing = start;
        for (let step = 0; ; step += 1) {
          const { state } = wayOut(standing);
          ways.add(state);
          if (state === "clear") break;
          expect(step).toBeLessThan(20);
          standing = done(standing, state);
        }
      }),
      { numRuns: 500 },
    );
    // Every state was among them.
    expect(ways.size).toBe(15);
  });
});

/** What the named command, or the person, does to a state. */
function done(standing: Standing, state: WayOutState): Standing {
  const undo: Record<WayOutState, Partial<Standing>> = {
    "kernel-silent": { kernel: "stopped", mode: "observe" },
    "kernel-stopped": { kernel: "answers" },
    "disk-low": { room: clear.room },
    "sandbox-unavailable": { sandbox: clear.sandbox },
    "base-rewritten": { base: clear.base },
    "base-unverified": { base: clear.base },
    "not-serving": { servingProblem: null },
    killed: { killed: false, mode: "observe" },
    observing: { mode: "execute" },
    "promotion-paused": { paused: false },
    "revert-stuck": { unreverted: null },
    "base-held": { holds: standing.holds.filter(({ kind }) => kind !== "base") },
    "goal-held": { holds: standing.holds.filter(({ kind }) => kind !== "goal") },
    "run-waits": { runs: standing.runs.slice(1) },
    clear: {},
  };
  return { ...standing, ...undo[state] };
}

const anyReasons = fc.uniqueArray(fc.constantFrom(...blockReasons), { maxLength: 3 });
const anyRun = fc.record({
  runId: fc.constant("r2"),
  blockReasons: anyReasons,
  pullRequestUrl: fc.constantFrom(null, "http://x/1"),
});
const anyStanding: fc.Arbitrary<Standing> = fc.record({
  kernel: fc.constantFrom("answers", "answers", "answers", "silent", "stopped"),
  room: fc.record({
    level: fc.constantFrom("enough", "enough", "low", "short"),
    detail: fc.constant("so much"),
  }),
  sandbox: fc.record({ available: fc.boolean(), message: fc.constantFrom(null, "none") }),
  mode: fc.constantFrom("observe", "execute"),
  killed: fc.boolean(),
  paused: fc.boolean(),
  base: fc.option(
    fc.record({
      sha: fc.constant("b".repeat(40)),
      standing: fc.constantFrom("attested", "unverified", "rewritten"),
    }),
  ),
  servingProblem: fc.constantFrom(null, "broken"),
  holds: fc.array(
    fc.record({
      id: fc.constantFrom("r1", "goal:1"),
      kind: fc.constantFrom("change", "goal", "base"),
      title: fc.constant("t"),
    }),
    { maxLength: 3 },
  ),
  unreverted: fc.option(
    fc.record({ id: fc.constant("r1"), title: fc.constant("t"), revert: fc.option(anyRun) }),
  ),
  runs: fc.array(anyRun, { maxLength: 3 }),
});

function base(standing: "rewritten" | "unverified"): Partial<Standing> {
  return { base: { sha: "b".repeat(40), standing } };
}

function unreverted(found: ReturnType<typeof revert> | null): Partial<Standing> {
  return { unreverted: { id: "r1", title: "A change", revert: found } };
}
