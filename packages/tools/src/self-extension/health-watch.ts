import { baselineRecord, emptyRecord, type BaselineRecord } from "./health/baseline-record.ts";
import type { HealthWindowConfig } from "./health/health-window-config.ts";
import {
  beginWindow,
  yardstickOf,
  type HealthWindow,
  type Instant,
} from "./health/window-state.ts";

export { baselineRecord, emptyRecord, type BaselineRecord };
export { healthReasonMeanings, healthReasons, type HealthReason } from "./health/health-reasons.ts";
export { healthWindowConfig, type HealthWindowConfig } from "./health/health-window-config.ts";
export type { HealthSignal } from "./health/health-signal.ts";
export { factsOf, judge, recordOf, type Verdict } from "./health/judge.ts";
export { observe } from "./health/observe.ts";
export type { HealthWindow, Instant, Restart, Suspension } from "./health/window-state.ts";

export interface WindowOptions {
  readonly config: HealthWindowConfig;
  /** How the baseline did; `emptyRecord` where nothing is known, which makes passing hard. */
  readonly baseline: BaselineRecord;
  /** When the body of the new release was begun. */
  readonly at: Instant;
}

/**
 * Opens the health window of a release whose body was just begun. Give every signal to `observe`,
 * and ask `judge` after each: the first `healthy` blesses, `final` without it has failed.
 */
export function openWindow({ config, baseline, at }: WindowOptions): HealthWindow {
  return beginWindow("bless", yardstickOf("bless", config, baseline), at);
}

/**
 * Watches a blessed release against its own record, for as long as it serves. `judge` answers
 * `degraded`, or `undecided` with the reason `watching`; it never passes, because there is nothing
 * to pass. The error rate has to lie above the record by more than the tolerance.
 */
export function watchBlessed({ config, baseline, at }: WindowOptions): HealthWindow {
  return beginWindow("watch", yardstickOf("watch", config, baseline), at);
}
