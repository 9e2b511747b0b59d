import { z } from "zod";
import { blockReasons } from "./block-reasons.ts";
import { stageSummary } from "./lifecycle-payloads.ts";
import { healthReasonMeanings } from "./health/health-reasons.ts";
import { isTerminal, runStatuses, type RunState, type RunStatus } from "./run-state.ts";

/** The context of the commit status that carries the sandbox's verdict. */
export const EVIDENCE_STATUS_CONTEXT = "jarvis/sandbox";

/** The context of the commit status without which the base takes nothing: the fence. */
export const FENCE_STATUS_CONTEXT = "jarvis/promotion";

/** One stage of a verification as a person or a program reads it. */
export const stageDiagnostics = stageSummary.extend({
  kind: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** How the program ended: an exit code, a signal, or why it was killed. */
  exit: z.string().nullable(),
  /** Text of candidate code: shown, never executed. */
  outputTail: z.string(),
  failingTests: z.array(z.string()).readonly(),
});
export type StageDiagnostics = z.infer<typeof stageDiagnostics>;

/** What a run answers, wherever it appears. The field names are a contract. */
export const runResult = z.object({
  success: z.boolean(),
  error: z.string().nullable(),
  lifecycleRunId: z.string(),
  branchName: z.string().nullable(),
  headSha: z.string().nullable(),
  pullRequestUrl: z.string().nullable(),
  pullRequestNumber: z.number().int().nullable(),
  evidenceStatusContext: z.string(),
  evidenceState: z.enum(["success", "failure", "pending", "missing"]),
  promotionAttempted: z.boolean(),
  promotionSucceeded: z.boolean(),
  promotionBlocked: z.boolean(),
  blockReasons: z.array(z.enum(blockReasons)).readonly(),
  mergeError: z.string().nullable(),
  rollbackAttempted: z.boolean(),
  rollbackStatus: z.string().nullable(),
  rollbackReason: z.string().nullable(),
  rollbackTargetBaselineSha: z.string().nullable(),
  rollbackRunId: z.string().nullable(),
  verificationSummary: z.string().nullable(),
  verificationDiagnostics: z.array(stageDiagnostics).readonly(),
  verificationOverallStatus: z.enum(["passed", "failed", "error", "not-run"]),
  verificationFailedStage: z.string().nullable(),
  verificationFailureCategory: z.string().nullable(),
  verificationFailureReason: z.string().nullable(),
  eventIds: z.array(z.string()).readonly(),
  baseSha: z.string().nullable(),
  treeSha: z.string().nullable(),
  mergeSha: z.string().nullable(),
  releaseDigest: z.string().nullable(),
  testEvidence: z.enum(["black-box", "in-process", "none"]),
  status: z.enum(runStatuses),
  attempt: z.number().int(),
});
export type RunResult = z.infer<typeof runResult>;

/**
 * The result contract from a run's state and the diagnostics of its evidence (empty where retention
 * has emptied them: the contract stays meaningful without).
 */
export function resultOf(state: RunState, diagnostics: readonly StageDiagnostics[]): RunResult {
  const failedStage = diagnostics.find((stage) => stage.status !== "passed") ?? null;
  const blocked = state.status === "blocked" || state.status === "parked";
  return {
    success: successes.includes(state.status),
    error: errorSentence(state),
    lifecycleRunId: state.runId,
    branchName: state.branchName,
    headSha: state.headSha,
    pullRequestUrl: state.pullRequestUrl,
    pullRequestNumber: state.pullRequestNumber,
    evidenceStatusContext: EVIDENCE_STATUS_CONTEXT,
    evidenceState: evidenceState(state),
    promotionAttempted: state.headSha !== null || state.mergeSha !== null,
    // It landed, whatever became of it afterwards.
    promotionSucceeded: state.mergeSha !== null,
    promotionBlocked: blocked,
    blockReasons: state.blockReasons,
    mergeError: state.mergeError,
    rollbackAttempted: state.rollback !== null,
    rollbackStatus: state.rollback?.status ?? null,
    rollbackReason: state.rollback?.reason ?? null,
    rollbackTargetBaselineSha: state.rollback?.targetBaselineSha ?? null,
    rollbackRunId: state.rollback?.runId ?? null,
    verificationSummary: summary(state, diagnostics),
    verificationDiagnostics: [...diagnostics],
    verificationOverallStatus: overall(state, diagnostics),
    verificationFailedStage: failedStage?.name ?? null,
    verificationFailureCategory: failedStage?.category ?? null,
    verificationFailureReason: failedStage?.reason ?? state.verificationReason,
    eventIds: state.eventIds,
    baseSha: state.baseSha,
    treeSha: state.treeSha,
    mergeSha: state.mergeSha,
    releaseDigest: state.releaseDigest,
    testEvidence: state.testEvidence,
    status: state.status,
    attempt: state.attempt,
  };
}

/** Promoted, and nothing speaks against it so far. */
const successes: readonly RunStatus[] = ["promoted", "watched", "window-passed", "blessed"];

function errorSentence(state: RunState): string | null {
  if (state.rollback !== null) return rollbackSentence(state.rollback);
  if (state.status === "window-failed") return windowSentence(state);
  if (state.failure !== null) return state.failure.reason;
  if (state.blockDetail !== null) return state.blockDetail;
  return isTerminal(state.status) ? null : "The run has not ended yet.";
}

function evidenceState(state: RunState): RunResult["evidenceState"] {
  if (state.testsPassed === null) return state.status === "failed" ? "missing" : "pending";
  return state.testsPassed ? "success" : "failure";
}

function overall(
  state: RunState,
  diagnostics: readonly StageDiagnostics[],
): RunResult["verificationOverallStatus"] {
  if (state.testsPassed === null) return "not-run";
  if (state.testsPassed) return "passed";
  return diagnostics.some((stage) => stage.status === "error") ? "error" : "failed";
}

function summary(state: RunState, diagnostics: readonly StageDiagnostics[]): string | null {
  if (state.testsPassed === null) return null;
  const passed = diagnostics.filter((stage) => stage.status === "passed").length;
  return `${passed} of ${diagnostics.length} stages passed`;
}

function rollbackSentence(rollback: NonNullable<RunState["rollback"]>): string {
  const said = {
    started: "The change is being rolled back",
    "rolled-back": "The change was rolled back",
    failed: "The change could not be rolled back",
  }[rollback.status];
  return `${said}: ${rollback.reason}`;
}

function windowSentence(state: RunState): string {
  const why = (state.healthWindow?.reasons ?? []).map((reason) => healthReasonMeanings[reason]);
  return `The health window was not passed. ${why.join(" ")}`.trim();
}
