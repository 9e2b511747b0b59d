/**
 * Why a health window was judged as it was. Closed: programs branch on the word, people read the
 * sentence. The first group decides at once, the second keeps a window from passing.
 */
export const healthReasonMeanings = {
  "did-not-start": "The body did not start within its limit.",
  "crash-loop": "The body ended by itself again and again.",
  "heartbeat-lost": "The body's heartbeat stopped for longer than its limit.",
  "answers-wrong-in-a-row": "More answers in a row were wrong or late than chance explains.",
  "error-rate-risen": "Tool calls fail more often than the baseline's did.",
  "cycle-errors-risen": "Cycles fail more often than the baseline's did.",
  "latency-risen": "Answers take longer than the baseline's did, times the allowed factor.",
  "memory-over-limit": "Memory stays above the baseline's peak, times the allowed factor.",
  "memory-leak": "Memory rises without falling back, beyond the baseline's peak.",
  "body-reports-unwell": "The body says itself that it does not work.",

  "not-started": "The body has not started yet.",
  suspended: "The window is suspended by an operator or a switch.",
  watching: "A blessed release is watched for as long as it serves.",
  "too-few-exposures": "Fewer cycles and tool calls than the minimum were seen.",
  "too-early": "The minimum time has not passed.",
  "error-rate-not-shown-low": "It is not shown yet that tool calls fail rarely enough.",
  "errors-above-record": "More tool calls failed than the baseline's record explains.",
  "cycle-errors-above-record": "More cycles failed than the baseline's record explains.",
  "no-cycles": "No cycle was seen, and the baseline's record has some.",
  "no-latency-samples": "No answer came whose time could be measured.",
  "latency-above-record": "More answers were slow than the baseline's record explains.",
  "no-memory-samples": "Memory was not measured often enough.",
  "memory-growing": "Memory is rising.",
  "memory-above-record": "Memory is above its limit.",
  "heartbeat-late": "The last heartbeat is older than half its limit.",
  "maximum-reached": "The maximum time passed without a verdict; that is not a pass.",
} as const;

export type HealthReason = keyof typeof healthReasonMeanings;

export const healthReasons = Object.keys(healthReasonMeanings) as [HealthReason, ...HealthReason[]];
