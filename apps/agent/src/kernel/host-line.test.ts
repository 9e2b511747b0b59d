import { foldRun, type BlockReason, type RunState } from "@jarvis/tools/self-extension";
import { expect, it } from "vitest";
import { HostLine } from "./host-line.ts";

const always = (): boolean => true;

it("begins one run after another in the order of readiness, when the host answers", async () => {
  const { line, ask } = makeLine();
  const early = parked("b", { readyAt: "2026-01-01T00:00:01Z" });
  const late = parked("a", { readyAt: "2026-01-01T00:00:02Z" });
  const never = parked("0", { readyAt: null });
  const all = [late, never, early];
  expect(await ask(all)).toBe("b");
  // As long as it is where it was, it is on its way.
  expect(await ask(all)).toBeNull();
  expect(await ask([late, never])).toBe("a");
  expect(await ask([{ ...late, attempt: 2 }, never], (run) => run.runId !== "a")).toBe("0");
  expect(line.turn([], always)).toBeNull();
});

it("does not let one that hangs hold up the others for good", async () => {
  const { ask, clock } = makeLine();
  const first = parked("a", {});
  const second = parked("b", {});
  expect(await ask([first, second])).toBe("a");
  clock.now += 60_000;
  expect(await ask([first, second])).toBeNull();
  clock.now += 61_000;
  expect(await ask([first, second], ({ runId }) => runId === "b")).toBe("b");
});

it("looks at a host that is away less and less often, and begins nobody", async () => {
  const { ask, clock, host } = makeLine();
  host.isThere = false;
  const run = parked("a", {});
  for (let second = 0; second < 3600; second += 1) {
    expect(await ask([run])).toBeNull();
    clock.now += 1000;
  }
  // 2 s, 4 s ... 256 s, and every 256 s after that.
  expect(host.looks).toBeLessThan(25);
  host.isThere = true;
  clock.now += 256_000;
  expect(await ask([run])).toBe("a");
});

it("asks nothing of the host where nobody waits for it", async () => {
  const { ask, host } = makeLine();
  expect(await ask([parked("a", { blockReasons: ["promotion-paused"] })])).toBeNull();
  expect(await ask([parked("a", { status: "tested" })])).toBeNull();
  expect(await ask([parked("a", {})], () => false)).toBeNull();
  expect(host.looks).toBe(0);
});

it.each<BlockReason>([
  "github-not-connected",
  "rate-budget-low",
  "repository-owned",
  "repository-identity-changed",
])("is for what waits with %s", async (reason) => {
  const { ask } = makeLine();
  expect(await ask([parked("a", { blockReasons: [reason] })])).toBe("a");
});

function makeLine() {
  const clock = { now: 1_000_000 };
  const host = { isThere: true, looks: 0 };
  const line = new HostLine(
    async () => {
      host.looks += 1;
      if (!host.isThere) throw await Promise.resolve(new Error("away"));
      return true;
    },
    () => clock.now,
  );
  /** As the reconciler does: every while, with time for the host to answer in between. */
  const ask = async (runs: RunState[], due: (run: RunState) => boolean = always) => {
    const turn = line.turn(runs, due);
    if (turn !== null) return turn;
    await new Promise((resolve) => setImmediate(resolve));
    return line.turn(runs, due);
  };
  return { line, ask, clock, host };
}

function parked(runId: string, overrides: Partial<RunState>): RunState {
  return {
    ...foldRun(runId, []),
    status: "parked",
    attempt: 1,
    blockReasons: ["github-not-connected"],
    readyAt: "2026-01-01T00:00:00Z",
    ...overrides,
  };
}
