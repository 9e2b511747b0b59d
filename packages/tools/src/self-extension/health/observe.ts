import { bet, wealth } from "./evidence-of-rise.ts";
import type { HealthReason } from "./health-reasons.ts";
import type { HealthSignal } from "./health-signal.ts";
import { addLatency } from "./latency-sample.ts";
import { addMemory, memoryFinding } from "./memory-watch.ts";
import {
  beginWindow,
  freshProcess,
  levelOf,
  type Counts,
  type HealthWindow,
  type Restart,
} from "./window-state.ts";

/** A longer time between two signals is one in which nobody looked; it does not count as time. */
const LONGEST_STEP_MS = 5_000;
/** After such a gap, answers may be late because they lay about. */
const BLIND_AFTER_GAP_MS = 2_000;
/** Wall and monotonic clock may differ by this much; more is a jump, of a person or a time server. */
const CLOCK_JUMP_MS = 30_000;
const CRASH_LIMIT = 3;
/** A blessed release is watched for ever: only crashes that are close together are a loop. */
const CRASH_SPAN_MS = 600_000;

/**
 * The window after one more signal. Pure. Give signals in the order in which they were seen, and a
 * `tick` at least once a second: silence is noticed by ticks. A decided window stays as it is.
 * Throws `RangeError` for a number that is none, because a comparison with NaN is never true.
 */
export function observe(window: HealthWindow, signal: HealthSignal): HealthWindow {
  refuseOddNumbers(signal);
  if (window.condemned.length > 0) return window;
  if (window.suspension !== null) {
    const { suspension } = window;
    if (signal.kind !== "resumed") return { ...window, last: signal.at };
    return restart(window, signal, { cause: "resumed-after-suspension", suspension });
  }
  const sinceMs = Math.max(0, signal.at.monotonicMs - window.last.monotonicMs);
  const jumpMs = signal.at.wallMs - window.last.wallMs - sinceMs;
  // The evidence so far may have been made by timers that fired all at once, or not at all.
  if (Math.abs(jumpMs) > CLOCK_JUMP_MS) {
    const fresh = restart(window, signal, { cause: "clock-jump", jumpMs });
    // The process goes on: what is counted begins anew, its start does not.
    const isUp = window.startedAtMs !== null;
    return apply({ ...fresh, startedAtMs: isUp ? 0 : null }, signal);
  }
  const isGap = sinceMs > LONGEST_STEP_MS;
  const elapsedMs = window.elapsedMs + Math.min(sinceMs, stepLimit(window));
  const moved: HealthWindow = {
    ...window,
    last: signal.at,
    elapsedMs,
    observerGaps: window.observerGaps + (isGap ? 1 : 0),
    blindUntilMs: isGap ? elapsedMs + BLIND_AFTER_GAP_MS : window.blindUntilMs,
  };
  const next = apply(moved, signal);
  const condemned = findings(next);
  return condemned.length === 0 ? next : { ...next, condemned };
}

/**
 * A step never eats a whole heartbeat limit: one signal after a gap must be able to renew it. But a
 * tick a second always counts in full.
 */
function stepLimit(window: HealthWindow): number {
  const half = (window.yardstick.config.heartbeatSeconds * 1000) / 2;
  return Math.min(LONGEST_STEP_MS, Math.max(half, 1_500));
}

function restart(window: HealthWindow, signal: HealthSignal, why: Restart): HealthWindow {
  const fresh = beginWindow(window.purpose, window.yardstick, signal.at);
  return { ...fresh, ordinal: window.ordinal + 1, restarts: [...window.restarts, why].slice(-20) };
}

function apply(window: HealthWindow, signal: HealthSignal): HealthWindow {
  const now = window.elapsedMs;
  switch (signal.kind) {
    case "tick":
    // There was no suspension to resume from.
    case "resumed":
      return window;
    case "started":
      return { ...window, startedAtMs: window.startedAtMs ?? now, heartbeatAtMs: now };
    case "heartbeat":
      return { ...window, heartbeatAtMs: now };
    case "tool-call":
      return onCall(window, signal);
    case "cycle": {
      if (signal.outcome === "refused") return { ...window, refusals: window.refusals + 1 };
      const isError = signal.outcome === "error";
      const against = { ...window.against, cycles: bet(window.against.cycles, isError) };
      return { ...window, cycles: count(window.cycles, isError), against };
    }
    case "memory":
      return {
        ...window,
        memory: addMemory(window.memory, signal.bytes, window.yardstick.memoryLimitBytes),
      };
    case "exited":
      return {
        ...window,
        ...freshProcess,
        begunAtMs: now,
        startedAtMs: null,
        exitsAtMs: [...window.exitsAtMs, now].slice(-CRASH_LIMIT),
      };
    case "self-report":
      return signal.status === "unwell"
        ? { ...window, condemned: ["body-reports-unwell"] }
        : window;
    case "suspended":
      return { ...window, suspension: signal.suspension };
  }
}

function onCall(
  window: HealthWindow,
  call: Extract<HealthSignal, { kind: "tool-call" }>,
): HealthWindow {
  if (call.outcome === "refused") return { ...window, refusals: window.refusals + 1 };
  const isBlind = window.elapsedMs < window.blindUntilMs;
  // Asked before the observer was away: how long it took, nobody knows.
  if (isBlind && call.outcome === "late") return window;
  const isError = call.outcome !== "right";
  const counted: HealthWindow = {
    ...window,
    calls: count(window.calls, isError),
    wrongInARow: isError ? window.wrongInARow + 1 : 0,
    against: { ...window.against, calls: bet(window.against.calls, isError) },
  };
  return isBlind || call.latencyMs === null ? counted : onLatency(counted, call.latencyMs);
}

function onLatency(window: HealthWindow, latencyMs: number): HealthWindow {
  const { baseline, config } = window.yardstick;
  const latency = addLatency(window.latency, latencyMs);
  if (baseline.latency === null) return { ...window, latency };
  const overMedian = latencyMs > baseline.latency.medianMs * config.latencyFactor;
  const overTail = latencyMs > baseline.latency.tailMs * config.latencyFactor;
  return {
    ...window,
    latency,
    slowMedian: count(window.slowMedian, overMedian),
    slowTail: count(window.slowTail, overTail),
    against: {
      ...window.against,
      median: bet(window.against.median, overMedian),
      tail: bet(window.against.tail, overTail),
    },
  };
}

function count(counts: Counts, isError: boolean): Counts {
  return { exposures: counts.exposures + 1, errors: counts.errors + (isError ? 1 : 0) };
}

/** What is proved against the release now. */
function findings(window: HealthWindow): readonly HealthReason[] {
  const { yardstick, against, elapsedMs } = window;
  const { config, baseline } = yardstick;
  const proved = (signal: "calls" | "cycles" | "median" | "tail"): boolean =>
    wealth(against[signal]) >= 1 / levelOf(config, signal);
  const isUp = window.startedAtMs !== null;
  const memory = memoryFinding(window.memory, baseline.memory, config.memoryFactor);
  const found: readonly (readonly [boolean, HealthReason])[] = [
    [!isUp && elapsedMs - window.begunAtMs > config.startSeconds * 1000, "did-not-start"],
    [isCrashLoop(window), "crash-loop"],
    [isUp && elapsedMs - window.heartbeatAtMs > config.heartbeatSeconds * 1000, "heartbeat-lost"],
    [window.wrongInARow >= yardstick.wrongInARow, "answers-wrong-in-a-row"],
    [proved("calls"), "error-rate-risen"],
    [proved("cycles"), "cycle-errors-risen"],
    [proved("median") || proved("tail"), "latency-risen"],
    [memory === "memory-over-limit", "memory-over-limit"],
    [memory === "memory-leak", "memory-leak"],
  ];
  return [...window.condemned, ...found.filter(([isFound]) => isFound).map(([, reason]) => reason)];
}

function isCrashLoop({ purpose, exitsAtMs }: HealthWindow): boolean {
  const first = exitsAtMs[0];
  const last = exitsAtMs.at(-1);
  if (exitsAtMs.length < CRASH_LIMIT || first === undefined || last === undefined) return false;
  return purpose === "bless" || last - first <= CRASH_SPAN_MS;
}

function refuseOddNumbers(signal: HealthSignal): void {
  const numbers = [signal.at.monotonicMs, signal.at.wallMs];
  if (signal.kind === "tool-call") numbers.push(signal.latencyMs ?? 0);
  if (signal.kind === "memory") numbers.push(signal.bytes);
  if (numbers.every(Number.isFinite)) return;
  throw new RangeError(`a ${signal.kind} signal has a number that is none`);
}
