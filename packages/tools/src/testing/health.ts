import type { NewLifecycleEvent } from "../self-extension/lifecycle-events.ts";
import type { LifecyclePayload } from "../self-extension/lifecycle-payloads.ts";
import { emptyRecord } from "../self-extension/health-watch.ts";
import type { BlessedRelease } from "../self-extension/releases/pointers.ts";
import { aContext, digest, sha } from "./lifecycle.ts";

type HealthEventType =
  | "health_window_started"
  | "health_window_passed"
  | "health_window_failed"
  | "baseline_blessed"
  | "rollback_started"
  | "rolled_back"
  | "rollback_failed";

const at = "2026-01-02T03:04:05.000Z";

export const someFacts = {
  exposures: 600,
  errors: 0,
  refusals: 0,
  seconds: 60,
  exits: 0,
  observerGaps: 0,
  baselineRateAtMost: 0.003,
  record: emptyRecord,
};

export const healthPayloadExamples: { [T in HealthEventType]: LifecyclePayload<T> } = {
  health_window_started: {
    window: 1,
    cause: "promoted",
    releaseDigest: digest("f"),
    baselineReleaseDigest: digest("0"),
    minimumExposures: 300,
    minimumSeconds: 60,
    maximumSeconds: 900,
    tolerance: 0.02,
    alpha: 0.01,
    suspendedBy: null,
    occurredAt: at,
  },
  health_window_passed: { window: 1, releaseDigest: digest("f"), facts: someFacts, occurredAt: at },
  health_window_failed: {
    window: 1,
    releaseDigest: digest("f"),
    verdict: "degraded",
    reasons: ["error-rate-risen"],
    facts: someFacts,
    occurredAt: at,
  },
  baseline_blessed: {
    releaseDigest: digest("f"),
    sha: sha("b"),
    treeSha: sha("c"),
    previousReleaseDigest: digest("0"),
    occurredAt: at,
  },
  rollback_started: {
    attempt: 1,
    cause: "health-window-failed",
    reason: "Tool calls fail more often than the baseline's did.",
    fromReleaseDigest: digest("f"),
    targetReleaseDigest: digest("0"),
    targetBaselineSha: sha("a"),
    occurredAt: at,
  },
  rolled_back: {
    attempt: 1,
    releaseDigest: digest("0"),
    targetBaselineSha: sha("a"),
    durationMs: 700,
    rollbackRunId: "revert-run",
    occurredAt: at,
  },
  rollback_failed: {
    attempt: 1,
    code: "revert-conflict",
    reason: "A later change touched the same file.",
    servingReleaseDigest: digest("0"),
    targetBaselineSha: null,
    rollbackRunId: null,
    occurredAt: at,
  },
};

/** An event of what was promoted and runs; a test names only what it is about. */
export function healthEvent<T extends HealthEventType>(
  runId: string,
  type: T,
  overrides: { key?: string; payload?: Partial<LifecyclePayload<T>> } = {},
): NewLifecycleEvent {
  return {
    context: aContext({ runId, correlationId: runId, actorSource: "system", actor: "kernel" }),
    stage: "health",
    idempotencyKey: overrides.key ?? `${type}:1`,
    type,
    payload: { ...healthPayloadExamples[type], ...overrides.payload },
    // The payload is that of the type, which a generic cannot show.
  } as NewLifecycleEvent;
}

export function aBlessedRelease(
  letter: string,
  overrides: Partial<BlessedRelease> = {},
): BlessedRelease {
  return {
    releaseDigest: digest(letter),
    sha: sha(letter),
    treeSha: sha(letter),
    runId: `run-${letter}`,
    window: { number: 1, facts: someFacts },
    record: emptyRecord,
    blessedAt: at,
    ...overrides,
  };
}
