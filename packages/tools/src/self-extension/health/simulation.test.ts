import { describe, expect, it } from "vitest";
import { healthWindowConfig } from "./health-window-config.ts";
import { seededRandom, simulateRecord, simulateWindow } from "./simulation.ts";

const config = healthWindowConfig.parse({});

/** A small sample of docs/health-window.md, which `scripts/simulate-health-window.mjs` prints. */
describe("a health window, many times", () => {
  it.each([
    [0, 60],
    [0.005, 60],
    [0.02, 40],
  ])(
    "calls a release as good as its baseline (%f) degraded as rarely as it says",
    (rate, windows) => {
      const counts = run(windows, rate, () => rate);
      // Alpha is 1 %: with 60 windows more than 3 false alarms have a probability below 0.4 %.
      expect(counts.degraded).toBeLessThanOrEqual(3);
      expect(counts.healthy).toBeGreaterThanOrEqual(windows * 0.85);
    },
  );

  it.each([0.02, 0.05, 0.2])("never blesses what is worse by %f, and finds it", (plus) => {
    const counts = run(60, 0, () => plus);
    expect(counts.healthy).toBe(0);
    expect(counts.degraded).toBeGreaterThanOrEqual(57);
  });

  it("finds tools that begin to fail after a good start", () => {
    const counts = run(60, 0, (call) => (call < 250 ? 0 : 0.2));
    expect(counts).toMatchObject({ healthy: 0, degraded: 60 });
  });

  it("never takes errors 0, 1, 2, 1, 0, 0 against zeros for healthy, however rare they are", () => {
    const errors = [0, 1, 2, 1, 0, 0];
    for (const block of [10, 100, 400, 1_200]) {
      // Judged by the whole of it, against as many zeros.
      const all = block * 6;
      const whole = { ...config, minimumExposures: all, maximumSeconds: Math.max(60, all / 10) };
      const counts = run(
        1,
        0,
        (call) => (call % block < (errors[Math.floor(call / block) % 6] ?? 0) ? 1 : 0),
        all,
        whole,
      );
      expect(counts.healthy).toBe(0);
    }
  });

  it("blesses nothing on errors where there is no record", () => {
    expect(run(5, 0, () => 0.05, 0).healthy).toBe(0);
    expect(run(5, 0, () => 0, 0).healthy).toBe(5);
  });
});

function run(
  windows: number,
  baseline: number,
  errorRate: (call: number) => number,
  record = 2_000,
  configured = config,
): Record<"healthy" | "degraded" | "undecided", number> {
  const random = seededRandom(7);
  const counts = { healthy: 0, degraded: 0, undecided: 0 };
  for (let index = 0; index < windows; index += 1) {
    const made = simulateRecord(record, baseline, random);
    const release = { config: configured, baseline: made, callsPerSecond: 10, errorRate };
    counts[simulateWindow(release, random).verdict.verdict] += 1;
  }
  return counts;
}
