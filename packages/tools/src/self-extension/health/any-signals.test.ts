import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  healthWindowConfig,
  judge,
  observe,
  openWindow,
  type BaselineRecord,
  type HealthSignal,
  type HealthWindow,
} from "../health-watch.ts";

const config = healthWindowConfig.parse({
  minimumExposures: 20,
  minimumSeconds: 5,
  maximumSeconds: 600,
  tolerance: 0.4,
});

const baseline: BaselineRecord = {
  calls: { exposures: 1_000, errors: 100 },
  cycles: { exposures: 0, errors: 0 },
  latency: { medianMs: 10, tailMs: 50, samples: 1_000 },
  memory: { peakBytes: 100, samples: 1_000 },
};

const suspension = { by: "anna", reason: "operator-stop" } as const;

/** What a body and its operator may do in a second, in any order. */
const happening = fc.oneof(
  { weight: 20, arbitrary: fc.constant({ kind: "good seconds" } as const) },
  fc.constantFrom(
    { kind: "tick" } as const,
    { kind: "exited" } as const,
    { kind: "started" } as const,
    { kind: "heartbeat" } as const,
    { kind: "suspended", suspension } as const,
    { kind: "resumed" } as const,
    { kind: "self-report", status: "well" } as const,
    { kind: "tool-call", outcome: "refused", latencyMs: 1 } as const,
    { kind: "tool-call", outcome: "wrong", latencyMs: 1 } as const,
    { kind: "cycle", outcome: "completed" } as const,
    { kind: "memory", bytes: 1e12 } as const,
    { kind: "jump" } as const,
  ),
);

describe("whatever is seen, in whatever order", () => {
  it("nobody passes without being up, long enough, with enough right answers of the present process", () => {
    let passed = 0;
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (story) => {
        const world = new World();
        for (const event of story) {
          const before = world.window;
          world.happen(event);
          const verdict = judge(world.window);
          // Proved is proved.
          if (before.condemned.length > 0) expect(world.window).toBe(before);
          if (verdict.verdict !== "healthy") continue;
          passed += 1;
          const { window } = world;
          expect(window.suspension).toBeNull();
          expect(window.condemned).toEqual([]);
          expect(window.elapsedMs - (window.startedAtMs ?? Number.NaN)).toBeGreaterThanOrEqual(
            5_000,
          );
          expect(world.rightSinceBegun).toBeGreaterThanOrEqual(15);
          expect(verdict.exposures).toBeGreaterThanOrEqual(20);
        }
        expect(JSON.parse(JSON.stringify(world.window))).toEqual(world.window);
      }),
      { seed: 1, numRuns: 300 },
    );
    // The property says something: there are stories that end well.
    expect(passed).toBeGreaterThan(20);
  });
});

/** A signal without its time. */
type Seen = HealthSignal extends infer S ? (S extends HealthSignal ? Omit<S, "at"> : never) : never;

type Event = typeof happening extends fc.Arbitrary<infer T> ? T : never;

class World {
  window: HealthWindow = openWindow({ config, baseline, at: { monotonicMs: 0, wallMs: 0 } });
  /** Counted by hand, from the last moment at which counting had to begin anew. */
  rightSinceBegun = 0;
  #nowMs = 0;
  #jumpMs = 0;

  happen(event: Event): void {
    if (event.kind === "jump") {
      this.#jumpMs += 3_600_000;
      this.rightSinceBegun = 0;
      this.#see({ kind: "tick" });
    } else if (event.kind === "good seconds") {
      for (let second = 0; second < 4; second += 1) {
        for (let call = 0; call < 3; call += 1) {
          this.#see({ kind: "tool-call", outcome: "right", latencyMs: 5 });
          if (this.window.suspension === null) this.rightSinceBegun += 1;
        }
        this.#see({ kind: "heartbeat" });
        this.#see({ kind: "memory", bytes: 90 });
        this.#nowMs += 1_000;
      }
    } else {
      if (event.kind === "exited" || event.kind === "resumed" || event.kind === "suspended") {
        this.rightSinceBegun =
          event.kind === "resumed" && this.window.suspension === null ? this.rightSinceBegun : 0;
      }
      this.#see(event);
    }
  }

  #see(signal: Seen): void {
    const at = { monotonicMs: this.#nowMs, wallMs: this.#nowMs + this.#jumpMs };
    this.window = observe(this.window, { ...signal, at });
  }
}
