import { binomialTail } from "./binomial.ts";
import { evidenceBelow } from "./evidence-below.ts";
import type { HealthReason } from "./health-reasons.ts";
import type { WindowFacts } from "../health-payloads.ts";
import { latencyRecord } from "./latency-sample.ts";
import { memoryDoubt } from "./memory-watch.ts";
import type { BaselineRecord } from "./baseline-record.ts";
import { levelOf, type Counts, type HealthWindow } from "./window-state.ts";

/** What a window says now. Only `healthy` blesses; final and not healthy is a failed window. */
export interface Verdict {
  readonly verdict: "healthy" | "degraded" | "undecided";
  /** True where waiting changes nothing: it is decided, or the maximum time has passed. */
  readonly final: boolean;
  /** Why it is not healthy; empty when it is. */
  readonly reasons: readonly HealthReason[];
  readonly window: number;
  /** Cycles and tool calls of the present process, and how many of them failed. */
  readonly exposures: number;
  readonly errors: number;
}

/** Below this, what is seen is less than the record explains, and keeps a window from passing. */
const SURPRISING = 0.1;

/**
 * Judges a window by what was observed. Pure. Degraded is for ever once it is proved; healthy needs
 * every doubt to be gone at this very moment; everything else is undecided, and `final` when the
 * maximum time has passed.
 */
export function judge(window: HealthWindow): Verdict {
  const answer = (
    verdict: Verdict["verdict"],
    final: boolean,
    reasons: readonly HealthReason[],
  ): Verdict => ({
    verdict,
    final,
    reasons,
    window: window.ordinal,
    exposures: window.calls.exposures + window.cycles.exposures,
    errors: window.calls.errors + window.cycles.errors,
  });
  if (window.condemned.length > 0) return answer("degraded", true, window.condemned);
  if (window.suspension !== null) return answer("undecided", false, ["suspended"]);
  if (window.purpose === "watch") return answer("undecided", false, ["watching"]);
  const doubts = doubtsAbout(window);
  if (doubts.length === 0) return answer("healthy", true, []);
  const isOver = window.elapsedMs >= window.yardstick.config.maximumSeconds * 1000;
  return answer("undecided", isOver, isOver ? ["maximum-reached", ...doubts] : doubts);
}

/** What keeps a window from passing now. Looking again may only make passing rarer, never easier. */
function doubtsAbout(window: HealthWindow): readonly HealthReason[] {
  const { yardstick, calls, cycles, elapsedMs } = window;
  const { config, baseline } = yardstick;
  if (window.startedAtMs === null) return ["not-started"];
  const shownLow =
    evidenceBelow(yardstick.tolerated, calls.errors, calls.exposures) >=
    1 / levelOf(config, "calls");
  const isSlow = isSurprising(window.slowMedian, 0.5) || isSurprising(window.slowTail, 0.05);
  const memory = memoryDoubt(window.memory);
  const doubts: readonly (readonly [boolean, HealthReason])[] = [
    [calls.exposures + cycles.exposures < config.minimumExposures, "too-few-exposures"],
    [elapsedMs - window.startedAtMs < config.minimumSeconds * 1000, "too-early"],
    [!shownLow, "error-rate-not-shown-low"],
    [isAboveRecord(calls, baseline.calls), "errors-above-record"],
    [isAboveRecord(cycles, baseline.cycles), "cycle-errors-above-record"],
    [baseline.cycles.exposures > 0 && cycles.exposures === 0, "no-cycles"],
    [window.latency.seen === 0, "no-latency-samples"],
    [isSlow, "latency-above-record"],
    [elapsedMs - window.heartbeatAtMs > config.heartbeatSeconds * 500, "heartbeat-late"],
  ];
  const found = doubts.filter(([isFound]) => isFound).map(([, reason]) => reason);
  return memory === null ? found : [...found, memory];
}

/**
 * Whether the errors are more than the same release would make by chance: given all errors of both,
 * each falls to this one with its share of the exposures (the exact conditional test of two rates).
 * It catches few errors against none, which a difference of rates within the tolerance would not.
 */
function isAboveRecord(now: Counts, record: Counts): boolean {
  if (now.errors === 0) return false;
  const share = now.exposures / (now.exposures + record.exposures);
  // Without a record there is nothing to hold errors against: any is too many.
  if (record.exposures === 0) return true;
  return isSurprising({ exposures: now.errors + record.errors, errors: now.errors }, share);
}

function isSurprising({ errors, exposures }: Counts, expected: number): boolean {
  // No more than expected: the sum below would be long and say the same.
  if (errors <= exposures * expected) return false;
  return binomialTail(errors, exposures, expected) < SURPRISING;
}

/** What the ledger keeps of a window, with the record that the next release is held against. */
export function factsOf(window: HealthWindow): WindowFacts {
  const { calls, cycles } = window;
  return {
    exposures: calls.exposures + cycles.exposures,
    errors: calls.errors + cycles.errors,
    refusals: window.refusals,
    seconds: Math.round(window.elapsedMs) / 1000,
    exits: window.exitsAtMs.length,
    observerGaps: window.observerGaps,
    baselineRateAtMost: window.yardstick.callsAtMost,
    record: recordOf(window),
  };
}

/** How the present process did: the record that the next release is held against once it is blessed. */
export function recordOf(window: HealthWindow): BaselineRecord {
  const { config } = window.yardstick;
  const { samples, peakBytes } = window.memory;
  return {
    calls: window.calls,
    cycles: window.cycles,
    latency: latencyRecord(window.latency, levelOf(config, "tail")),
    memory: samples === 0 || peakBytes <= 0 ? null : { peakBytes, samples },
  };
}
