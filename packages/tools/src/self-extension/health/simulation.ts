import type { BaselineRecord } from "./baseline-record.ts";
import type { HealthSignal } from "./health-signal.ts";
import type { HealthWindowConfig } from "./health-window-config.ts";
import { judge, type Verdict } from "./judge.ts";
import { observe } from "./observe.ts";
import { beginWindow, yardstickOf, type HealthWindow } from "./window-state.ts";

/** One release that is watched: what it does, and what the baseline's record says. */
export interface SimulatedRelease {
  readonly config: HealthWindowConfig;
  readonly baseline: BaselineRecord;
  readonly callsPerSecond: number;
  /** Error rate of the calls, by how many there were before. */
  readonly errorRate: (call: number) => number;
}

export interface SimulatedWindow {
  readonly verdict: Verdict;
  /** Calls until the window was decided, or until its maximum. */
  readonly calls: number;
}

/** Runs one window to its end with a random source that answers numbers in [0, 1). */
export function simulateWindow(release: SimulatedRelease, random: () => number): SimulatedWindow {
  const stepMs = 1000 / release.callsPerSecond;
  const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
  let nowMs = 0;
  let calls = 0;
  let window: HealthWindow = beginWindow(
    "bless",
    yardstickOf("bless", release.config, release.baseline),
    at(0),
  );
  const see = (signal: HealthSignal): void => {
    window = observe(window, signal);
  };
  see({ kind: "started", at: at(nowMs) });
  for (let nextSecondMs = 1000; ;) {
    nowMs += stepMs;
    const isWrong = random() < release.errorRate(calls);
    calls += 1;
    const outcome = isWrong ? "wrong" : "right";
    see({ kind: "tool-call", outcome, latencyMs: 5 + 10 * random(), at: at(nowMs) });
    if (nowMs >= nextSecondMs) {
      nextSecondMs += 1000;
      see({ kind: "heartbeat", at: at(nowMs) });
      see({ kind: "memory", bytes: 1e8 + 1e7 * random(), at: at(nowMs) });
    }
    const verdict = judge(window);
    if (verdict.final) return { verdict, calls };
  }
}

/** A baseline's record as it comes about: errors by chance at its rate. */
export function simulateRecord(
  exposures: number,
  errorRate: number,
  random: () => number,
): BaselineRecord {
  let errors = 0;
  for (let call = 0; call < exposures; call += 1) errors += random() < errorRate ? 1 : 0;
  return {
    calls: { exposures, errors },
    cycles: { exposures: 0, errors: 0 },
    latency: { medianMs: 10, tailMs: 15, samples: exposures },
    memory: { peakBytes: 1.1e8, samples: Math.ceil(exposures / 10) },
  };
}

/** A repeatable source of numbers in [0, 1): mulberry32, good enough to draw errors from. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
