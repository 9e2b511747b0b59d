import type { BaselineRecord } from "./baseline-record.ts";
import { rateAtLeast, rateAtMost } from "./binomial.ts";
import { noEvidenceYet, type EvidenceOfRise } from "./evidence-of-rise.ts";
import type { HealthReason } from "./health-reasons.ts";
import type { HealthWindowConfig } from "./health-window-config.ts";
import { noLatency, type LatencySample } from "./latency-sample.ts";
import { memoryLimit, noMemory, type MemoryWatch } from "./memory-watch.ts";

/** When something was seen: a monotonic clock for durations, the wall clock to notice its jumps. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export interface Counts {
  readonly exposures: number;
  readonly errors: number;
}

export const noCounts: Counts = { exposures: 0, errors: 0 };

/** Who stopped the body from outside, by which the window stands still. */
export interface Suspension {
  readonly by: string;
  readonly reason: "observe-only" | "kill-switch" | "operator-stop";
}

export type Restart =
  | { readonly cause: "clock-jump"; readonly jumpMs: number }
  | { readonly cause: "resumed-after-suspension"; readonly suspension: Suspension };

/** What the verdict is measured by, made once from configuration and record. */
export interface Yardstick {
  readonly config: HealthWindowConfig;
  readonly baseline: BaselineRecord;
  /** The baseline's error rate at most: a rate above it is worse. */
  readonly callsAtMost: number;
  readonly cyclesAtMost: number;
  /** The rate below which a release has to be shown to be. */
  readonly tolerated: number;
  /** So many wrong answers in a row are no chance. */
  readonly wrongInARow: number;
  readonly memoryLimitBytes: number | null;
}

/** The state of one window: plain data, so that it can be kept and read back. */
export interface HealthWindow {
  readonly purpose: "bless" | "watch";
  readonly yardstick: Yardstick;
  /** 1, and one more with every restart. */
  readonly ordinal: number;
  readonly restarts: readonly Restart[];
  readonly last: Instant;
  /** Time that was observed while not suspended. */
  readonly elapsedMs: number;
  readonly observerGaps: number;
  /** Until then, what was late may have been late because nobody looked. */
  readonly blindUntilMs: number;
  readonly suspension: Suspension | null;
  /** When the present process was begun, and when it was up; in elapsed time. */
  readonly begunAtMs: number;
  readonly startedAtMs: number | null;
  readonly heartbeatAtMs: number;
  readonly exitsAtMs: readonly number[];
  /** Of the present process: what speaks for it begins anew with every process. */
  readonly calls: Counts;
  readonly cycles: Counts;
  readonly slowMedian: Counts;
  readonly slowTail: Counts;
  readonly refusals: number;
  readonly latency: LatencySample;
  readonly memory: MemoryWatch;
  readonly wrongInARow: number;
  /** Of all processes of the window: a body does not get rid of what speaks against it by ending. */
  readonly against: {
    readonly calls: EvidenceOfRise;
    readonly cycles: EvidenceOfRise;
    readonly median: EvidenceOfRise;
    readonly tail: EvidenceOfRise;
  };
  /** Why it is degraded, from the moment at which that was proved. */
  readonly condemned: readonly HealthReason[];
}

/**
 * How alpha is shared between the signals, so that all together call a good release degraded with
 * probability alpha at most. Of each share, half pays for not knowing the baseline's rate exactly.
 */
export const ALPHA_SHARES = {
  calls: 0.4,
  cycles: 0.2,
  median: 0.1,
  tail: 0.1,
  inARow: 0.1,
  memory: 0.1,
} as const;

/** Wrong answers in a row are looked for in this many exposures at least. */
const RUN_LENGTH_HORIZON = 1e6;
const FEWEST_IN_A_ROW = 5;

/** Half of a signal's share of alpha: what its evidence, or its bound, may be wrong with. */
export function levelOf(config: HealthWindowConfig, signal: keyof typeof ALPHA_SHARES): number {
  return (config.alpha * ALPHA_SHARES[signal]) / 2;
}

export function yardstickOf(
  purpose: HealthWindow["purpose"],
  config: HealthWindowConfig,
  baseline: BaselineRecord,
): Yardstick {
  // After the blessing a difference below the tolerance is not worth going back for.
  const margin = purpose === "watch" ? config.tolerance : 0;
  const { calls, cycles } = baseline;
  const beta = levelOf(config, "calls");
  const callsAtMost = Math.min(1, rateAtMost(calls.errors, calls.exposures, beta) + margin);
  const cyclesAtMost = Math.min(
    1,
    rateAtMost(cycles.errors, cycles.exposures, levelOf(config, "cycles")) + margin,
  );
  return {
    config,
    baseline,
    callsAtMost,
    cyclesAtMost,
    tolerated: rateAtLeast(calls.errors, calls.exposures, beta) + config.tolerance,
    // Without a record every second answer might be wrong by nature.
    wrongInARow: Math.max(
      FEWEST_IN_A_ROW,
      Math.ceil(
        Math.log(levelOf(config, "inARow") / RUN_LENGTH_HORIZON) /
          Math.log(Math.min(0.5, callsAtMost)),
      ),
    ),
    memoryLimitBytes: memoryLimit(baseline.memory, config.memoryFactor),
  };
}

/** A window at its beginning, with nothing known about the process. */
export function beginWindow(
  purpose: HealthWindow["purpose"],
  yardstick: Yardstick,
  at: Instant,
): HealthWindow {
  return {
    purpose,
    yardstick,
    ordinal: 1,
    restarts: [],
    last: at,
    elapsedMs: 0,
    observerGaps: 0,
    blindUntilMs: 0,
    suspension: null,
    begunAtMs: 0,
    startedAtMs: null,
    heartbeatAtMs: 0,
    exitsAtMs: [],
    ...freshProcess,
    against: {
      calls: noEvidenceYet(yardstick.callsAtMost),
      cycles: noEvidenceYet(yardstick.cyclesAtMost),
      median: noEvidenceYet(0.5),
      tail: noEvidenceYet(0.05),
    },
    condemned: [],
  };
}

/** What a new process begins with. */
export const freshProcess = {
  calls: noCounts,
  cycles: noCounts,
  slowMedian: noCounts,
  slowTail: noCounts,
  latency: noLatency,
  memory: noMemory,
  wrongInARow: 0,
  refusals: 0,
} as const;
