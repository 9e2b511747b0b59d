import { describe, expect, it } from "vitest";
import {
  emptyRecord,
  factsOf,
  healthWindowConfig,
  judge,
  observe,
  openWindow,
  recordOf,
  watchBlessed,
  type BaselineRecord,
  type HealthReason,
  type HealthSignal,
  type HealthWindow,
} from "./health-watch.ts";
import { windowFacts } from "./health-payloads.ts";

/** A signal without its time, which the world below gives. */
type Seen = HealthSignal extends infer S ? (S extends HealthSignal ? Omit<S, "at"> : never) : never;

const config = healthWindowConfig.parse({
  minimumExposures: 200,
  minimumSeconds: 20,
  maximumSeconds: 120,
});

const record: BaselineRecord = {
  calls: { exposures: 5_000, errors: 0 },
  cycles: { exposures: 0, errors: 0 },
  latency: { medianMs: 10, tailMs: 30, samples: 500 },
  memory: { peakBytes: 100e6, samples: 500 },
};

describe("a health window", () => {
  it("passes a body that answers right for long enough", () => {
    const world = started();
    world.seconds(60);
    expect(world.judge()).toMatchObject({ verdict: "healthy", final: true, reasons: [] });
    expect(windowFacts.parse(factsOf(world.window))).toMatchObject({ errors: 0, exits: 0 });
  });

  it("does not take silence for health: nothing seen is never a pass", () => {
    const world = started();
    world.seconds(200, { calls: 0 });
    const verdict = world.judge();
    expect(verdict).toMatchObject({ verdict: "undecided", final: true, exposures: 0 });
    expect(verdict.reasons).toContain("maximum-reached");
    expect(verdict.reasons).toContain("too-few-exposures");
  });

  it("does not count what policy refused, neither for nor against", () => {
    const world = started();
    world.seconds(60, { outcome: "refused" });
    expect(world.judge()).toMatchObject({ verdict: "undecided", exposures: 0, errors: 0 });
    expect(factsOf(world.window).refusals).toBeGreaterThan(100);
  });

  it("waits for the minimum time however fast the answers come", () => {
    const world = started();
    for (let call = 0; call < 2_000; call += 1) world.see(right(5));
    world.seconds(12, { calls: 0 });
    expect(world.judge().reasons).toEqual(["too-early"]);
    world.seconds(20, { calls: 0 });
    expect(world.judge().verdict).toBe("healthy");
  });

  it.each<[string, (world: World) => void, HealthReason]>([
    ["does not start", (world) => world.seconds(25, { calls: 0, beats: false }), "did-not-start"],
    [
      "ends again and again",
      (world) => {
        for (let exit = 0; exit < 3; exit += 1) world.see({ kind: "started" }, { kind: "exited" });
      },
      "crash-loop",
    ],
    [
      "stops its heartbeat",
      (world) => {
        world.see({ kind: "started" });
        world.seconds(15, { beats: false });
      },
      "heartbeat-lost",
    ],
    [
      "answers wrong four times in a row",
      (world) => {
        world.see({ kind: "started" });
        world.seconds(5);
        for (let call = 0; call < 4; call += 1) world.see({ ...right(5), outcome: "wrong" });
      },
      "error-rate-risen",
    ],
    [
      "says itself that it does not work",
      (world) => world.see({ kind: "self-report", status: "unwell" }),
      "body-reports-unwell",
    ],
    [
      "fails in its cycles",
      (world) => {
        world.see({ kind: "started" });
        for (let cycle = 0; cycle < 30; cycle += 1) {
          world.see({ kind: "cycle", outcome: cycle % 2 === 0 ? "error" : "completed" });
        }
      },
      "cycle-errors-risen",
    ],
    [
      "becomes slow",
      (world) => {
        world.see({ kind: "started" });
        world.seconds(20, { latencyMs: 100 });
      },
      "latency-risen",
    ],
    [
      "becomes slow in one answer of five",
      (world) => {
        world.see({ kind: "started" });
        world.seconds(30, { latencyMs: (call) => (call % 5 === 0 ? 200 : 10) });
      },
      "latency-risen",
    ],
    [
      "uses too much memory",
      (world) => {
        world.see({ kind: "started" });
        world.seconds(20, { bytes: 300e6 });
      },
      "memory-over-limit",
    ],
    [
      "leaks",
      (world) => {
        world.see({ kind: "started" });
        world.seconds(50, { bytes: (second) => 80e6 + second * 2.5e6 });
      },
      "memory-leak",
    ],
  ])("is degraded at once when the body %s", (_, happens, reason) => {
    const world = new World(openWith({ ...record, cycles: { exposures: 100, errors: 1 } }));
    happens(world);
    expect(world.judge()).toMatchObject({ verdict: "degraded", final: true });
    expect(world.judge().reasons).toContain(reason);
    // For ever: nothing good that comes later takes it back.
    world.see({ kind: "started" });
    world.seconds(300);
    expect(world.judge().verdict).toBe("degraded");
  });

  it.each<[string, (world: World) => void]>([
    ["saws its memory as collectors do", (world) => world.seconds(60, { bytes: sawtooth })],
    [
      "grows as a young heap does",
      (world) => world.seconds(60, { bytes: (second) => 80e6 + second * 1e6 }),
    ],
    [
      "is asked while the kernel itself is often kept waiting",
      (world) => world.seconds(60, { latencyMs: (call) => (call % 3 === 0 ? 10 : null) }),
    ],
    ["is slower within the factor", (world) => world.seconds(60, { latencyMs: 15 })],
    ["says that it is well", (world) => world.see({ kind: "self-report", status: "well" })],
    ["ends once", (world) => world.see({ kind: "exited" }, { kind: "started" })],
  ])("is not degraded when the body %s", (_, happens) => {
    const world = started();
    happens(world);
    world.seconds(60);
    expect(world.judge().verdict).toBe("healthy");
  });

  it("does not believe a body that says it is well and answers nothing", () => {
    const world = started();
    for (let second = 0; second < 130; second += 1) {
      world.see({ kind: "self-report", status: "well" }, { kind: "heartbeat" }, { kind: "tick" });
      world.wait(1000);
    }
    expect(world.judge().verdict).toBe("undecided");
  });

  it("begins to count anew with a new process, and keeps what speaks against the release", () => {
    const world = started();
    world.seconds(30);
    world.see({ kind: "exited" });
    expect(world.judge()).toMatchObject({ verdict: "undecided", reasons: ["not-started"] });
    world.see({ kind: "started" });
    expect(world.judge()).toMatchObject({ verdict: "undecided", exposures: 0 });
    const trials = world.window.against.calls.trials;
    expect(trials).toBeGreaterThan(200);
    expect(factsOf(world.window).exits).toBe(1);
  });

  it("passes nobody who shows no cycle where the baseline had some", () => {
    const world = new World(openWith({ ...record, cycles: { exposures: 50, errors: 0 } }));
    world.see({ kind: "started" });
    world.seconds(60);
    expect(world.judge().reasons).toEqual(["no-cycles"]);
    world.see({ kind: "cycle", outcome: "completed" });
    expect(world.judge().verdict).toBe("healthy");
  });

  it.each<[Partial<Parameters<World["seconds"]>[1]>, HealthReason]>([
    [{ memory: false }, "no-memory-samples"],
    [{ bytes: (second) => 50e6 + 2e6 * Math.max(0, second - 50) }, "memory-growing"],
  ])("does not pass with %j", (habits, reason) => {
    const world = started();
    world.seconds(90, habits);
    expect(world.judge().reasons).toContain(reason);
  });

  it("asks more of a release without a record: no error at all", () => {
    const world = new World(openWith(emptyRecord));
    world.see({ kind: "started" });
    world.seconds(30);
    world.see({ ...right(5), outcome: "wrong" });
    world.seconds(60);
    expect(world.judge().reasons).toEqual(["errors-above-record"]);
  });

  it("needs no record to know a body that answers everything wrong", () => {
    const world = new World(openWith(emptyRecord));
    world.see({ kind: "started" });
    world.seconds(2, { outcome: "late" });
    expect(world.judge().verdict).toBe("undecided");
    world.seconds(2, { outcome: "late" });
    expect(world.judge()).toMatchObject({
      verdict: "degraded",
      reasons: ["answers-wrong-in-a-row"],
    });
  });
});

describe("time", () => {
  it("stands still while the window is suspended, and begins anew with a new body", () => {
    const world = started();
    world.seconds(30);
    const suspension = { by: "anna", reason: "kill-switch" } as const;
    world.see({ kind: "suspended", suspension });
    // Killed on purpose: neither silence nor an end is held against it.
    world.seconds(500, { beats: false, calls: 0 });
    world.see({ kind: "exited" }, { kind: "exited" }, { kind: "exited" });
    expect(world.judge()).toMatchObject({
      verdict: "undecided",
      final: false,
      reasons: ["suspended"],
    });
    expect(factsOf(world.window).seconds).toBeLessThan(31);
    world.see({ kind: "resumed" });
    expect(world.window).toMatchObject({
      ordinal: 2,
      elapsedMs: 0,
      restarts: [{ cause: "resumed-after-suspension", suspension }],
    });
    world.see({ kind: "started" });
    expect(world.judge().exposures).toBe(0);
    world.seconds(60);
    expect(world.judge().verdict).toBe("healthy");
  });

  it.each([3_600_000, -3_600_000])(
    "restarts the window when the wall clock jumps by %i ms",
    (jump) => {
      const world = started();
      world.seconds(60);
      world.jump(jump);
      world.see({ kind: "tick" });
      expect(world.window).toMatchObject({
        ordinal: 2,
        restarts: [{ cause: "clock-jump", jumpMs: jump }],
      });
      expect(world.judge()).toMatchObject({ verdict: "undecided", exposures: 0, window: 2 });
      world.seconds(60);
      expect(world.judge().verdict).toBe("healthy");
    },
  );

  it("does not blame the body for time in which nobody looked", () => {
    const world = started();
    world.seconds(5);
    world.wait(600_000);
    world.see({ ...right(10_000), outcome: "late" }, { kind: "heartbeat" });
    world.seconds(60);
    expect(world.judge().verdict).toBe("healthy");
    expect(factsOf(world.window)).toMatchObject({ errors: 0, observerGaps: 1 });
    expect(factsOf(world.window).seconds).toBeLessThan(75);
  });

  it("refuses numbers that are none", () => {
    const at = { monotonicMs: Number.NaN, wallMs: 0 };
    expect(() => observe(openWith(record), { kind: "tick", at })).toThrow(RangeError);
    expect(() => started().see({ kind: "memory", bytes: Number.NaN })).toThrow(RangeError);
  });

  it("keeps a window that is written down and read back", () => {
    const world = started();
    world.seconds(30);
    const copy = JSON.parse(JSON.stringify(world.window)) as HealthWindow;
    expect(copy).toEqual(world.window);
  });
});

describe("a blessed release", () => {
  it("is watched for ever, never passes, and is found when it degrades after a long good time", () => {
    const world = new World(watchBlessed({ config, baseline: record, at: world0 }));
    world.see({ kind: "started" });
    world.seconds(3_000);
    expect(world.judge()).toMatchObject({
      verdict: "undecided",
      final: false,
      reasons: ["watching"],
    });
    world.seconds(60, { outcome: (call) => (call % 5 === 0 ? "wrong" : "right") });
    expect(world.judge()).toMatchObject({ verdict: "degraded", reasons: ["error-rate-risen"] });
  });

  it("is not given up for a difference below the tolerance", () => {
    const world = new World(watchBlessed({ config, baseline: record, at: world0 }));
    world.see({ kind: "started" });
    world.seconds(1_000, { outcome: (call) => (call % 100 === 0 ? "wrong" : "right") });
    expect(world.judge().reasons).toEqual(["watching"]);
  });

  it("forgives ends that are far apart, and no three that are close together", () => {
    const world = new World(watchBlessed({ config, baseline: record, at: world0 }));
    for (let exit = 0; exit < 6; exit += 1) {
      world.see({ kind: "exited" }, { kind: "started" });
      world.seconds(400);
    }
    expect(world.judge().reasons).toEqual(["watching"]);
    for (let exit = 0; exit < 2; exit += 1) world.see({ kind: "exited" }, { kind: "started" });
    world.see({ kind: "exited" });
    expect(world.judge().reasons).toEqual(["crash-loop"]);
  });

  it("leaves a record for the next release", () => {
    const world = started();
    world.seconds(120);
    expect(recordOf(world.window)).toMatchObject({
      calls: { errors: 0 },
      latency: { medianMs: 10, tailMs: 10 },
      memory: { peakBytes: 90e6 },
    });
    const short = started();
    short.seconds(3);
    expect(recordOf(short.window).latency).toBeNull();
  });
});

const world0 = { monotonicMs: 0, wallMs: 1_700_000_000_000 };

function openWith(baseline: BaselineRecord): HealthWindow {
  return openWindow({ config, baseline, at: world0 });
}

function right(latencyMs: number) {
  return { kind: "tool-call", outcome: "right", latencyMs } as const;
}

function sawtooth(second: number): number {
  return 60e6 + (second % 8) * 6e6;
}

type Outcome = "right" | "wrong" | "late" | "refused";

/** A kernel's view of a body: time that moves, and what is seen each second. */
class World {
  window: HealthWindow;
  #nowMs = 0;
  #jumpedMs = 0;
  #calls = 0;

  constructor(window: HealthWindow) {
    this.window = window;
  }

  see(...signals: readonly Seen[]): void {
    for (const signal of signals) {
      const at = {
        monotonicMs: this.#nowMs,
        wallMs: world0.wallMs + this.#nowMs + this.#jumpedMs,
      };
      this.window = observe(this.window, { ...signal, at });
    }
  }

  wait(ms: number): void {
    this.#nowMs += ms;
  }

  jump(ms: number): void {
    this.#jumpedMs += ms;
  }

  judge(): ReturnType<typeof judge> {
    return judge(this.window);
  }

  seconds(
    count: number,
    habits: {
      calls?: number;
      outcome?: Outcome | ((call: number) => Outcome);
      latencyMs?: number | ((call: number) => number | null);
      bytes?: number | ((second: number) => number);
      memory?: boolean;
      beats?: boolean;
    } = {},
  ): void {
    const { calls = 10, outcome = "right", latencyMs = 10, bytes = 90e6 } = habits;
    const { memory = true, beats = true } = habits;
    for (let second = 0; second < count; second += 1) {
      for (let call = 0; call < calls; call += 1) {
        this.#calls += 1;
        this.see({
          kind: "tool-call",
          outcome: typeof outcome === "string" ? outcome : outcome(this.#calls),
          latencyMs: typeof latencyMs === "number" ? latencyMs : latencyMs(this.#calls),
        });
      }
      if (beats) this.see({ kind: "heartbeat" });
      if (memory) {
        this.see({ kind: "memory", bytes: typeof bytes === "number" ? bytes : bytes(second) });
      }
      this.see({ kind: "tick" });
      this.wait(1000);
    }
  }
}

function started(): World {
  const world = new World(openWith(record));
  world.see({ kind: "started" });
  return world;
}
