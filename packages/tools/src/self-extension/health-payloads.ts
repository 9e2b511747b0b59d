import { z } from "zod";
import { healthReasons } from "./health/health-reasons.ts";
import { baselineRecord } from "./health/baseline-record.ts";
import { digest, gitSha } from "./ledger-words.ts";

/** Why a window began: a restart is a window of its own, with a number one higher. */
export const windowCauses = [
  "promoted",
  "accepted",
  "resumed-after-suspension",
  "clock-jump",
  "kernel-restarted",
] as const;
export type WindowCause = (typeof windowCauses)[number];

/** What moved serving back. */
export const rollbackCauses = [
  "health-window-failed",
  "degraded-after-blessing",
  "release-refused",
  "operator",
] as const;
export type RollbackCause = (typeof rollbackCauses)[number];

/** Why a rollback could not be finished. */
export const rollbackFailures = [
  "no-target",
  "target-unhealthy",
  "release-refused",
  "body-did-not-start",
  "revert-conflict",
  "revert-refused",
  "internal",
] as const;
export type RollbackFailure = (typeof rollbackFailures)[number];

/** When it happened. The row's own time is when it reached the database, which may be later. */
const occurredAt = z.iso.datetime();
const ordinal = z.number().int().positive();
const reasons = z.array(z.enum(healthReasons));

/** What was counted, as it stands in the ledger; `seconds` is time that was observed. */
export const windowFacts = z.object({
  exposures: z.number().int().nonnegative(),
  errors: z.number().int().nonnegative(),
  refusals: z.number().int().nonnegative(),
  seconds: z.number().nonnegative(),
  exits: z.number().int().nonnegative(),
  observerGaps: z.number().int().nonnegative(),
  /** Error rate of the baseline, at most, as its record allows. */
  baselineRateAtMost: z.number().min(0).max(1),
  record: baselineRecord,
});
export type WindowFacts = z.infer<typeof windowFacts>;

export const healthPayloads = {
  health_window_started: z.object({
    window: ordinal,
    cause: z.enum(windowCauses),
    releaseDigest: digest,
    baselineReleaseDigest: digest.nullable(),
    minimumExposures: z.number().int().positive(),
    minimumSeconds: z.number().positive(),
    maximumSeconds: z.number().positive(),
    tolerance: z.number().positive(),
    alpha: z.number().positive(),
    /** Who suspended the window before this one, where that is why it began. */
    suspendedBy: z.string().nullable(),
    occurredAt,
  }),
  health_window_passed: z.object({
    window: ordinal,
    releaseDigest: digest,
    facts: windowFacts,
    occurredAt,
  }),
  health_window_failed: z.object({
    window: ordinal,
    releaseDigest: digest,
    verdict: z.enum(["degraded", "undecided"]),
    reasons: reasons.min(1),
    facts: windowFacts,
    occurredAt,
  }),
  rollback_started: z.object({
    attempt: ordinal,
    cause: z.enum(rollbackCauses),
    reason: z.string().max(2000),
    fromReleaseDigest: digest,
    targetReleaseDigest: digest.nullable(),
    targetBaselineSha: gitSha.nullable(),
    occurredAt,
  }),
  rolled_back: z.object({
    attempt: ordinal,
    releaseDigest: digest,
    targetBaselineSha: gitSha,
    /** From the decision until the old body answered. */
    durationMs: z.number().nonnegative(),
    /** The run that reverts the change on the base; null where none is needed. */
    rollbackRunId: z.string().nullable(),
    occurredAt,
  }),
  rollback_failed: z.object({
    attempt: ordinal,
    code: z.enum(rollbackFailures),
    reason: z.string().max(2000),
    servingReleaseDigest: digest.nullable(),
    targetBaselineSha: gitSha.nullable(),
    rollbackRunId: z.string().nullable(),
    occurredAt,
  }),
  baseline_blessed: z.object({
    releaseDigest: digest,
    sha: gitSha,
    treeSha: gitSha,
    previousReleaseDigest: digest.nullable(),
    occurredAt,
  }),
} as const;
