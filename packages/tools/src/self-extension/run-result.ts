import { z } from "zod";
import { blockReasons } from "./block-reasons.ts";
import { stageSummary } from "./lifecycle-payloads.ts";
import { healthReasonMeanings } from "./health/health-reasons.ts";
import {
  isTerminal,
  rollbackStatuses,
  runStatuses,
  type RunState,
  type RunStatus,
} from "./run-state.ts";
import { failureCategories, stageKinds, stageStatuses, testEvidences } from "./stage-words.ts";

/** The context of the commit status that carries the sandbox's verdict. */
export const EVIDENCE_STATUS_CONTEXT = "jarvis/sandbox";

/** The context of the commit status without which the base takes nothing: the fence. */
export const FENCE_STATUS_CONTEXT = "jarvis/promotion";

/** One stage of a verification as a person or a program reads it. */
export const stageDiagnostics = stageSummary.extend({
  kind: z.enum(stageKinds).describe("What the stage does: the `kind` of the configuration."),
  startedAt: z.string().describe("When it began, UTC ISO 8601."),
  endedAt: z.string().describe("When it ended, UTC ISO 8601."),
  exit: z
    .string()
    .nullable()
    .describe("How its program ended: an exit code, a signal, or why it was killed."),
  category: z
    .enum(failureCategories)
    .nullable()
    .describe("Why it did not pass, as a closed word; null if it passed or did not run."),
  outputTail: z
    .string()
    .describe("The last of its output, at most 8,000 characters: a candidate's text, shown only."),
  failingTests: z
    .array(z.string())
    .readonly()
    .describe("Names of tests that failed or did not run: a candidate's text, shown only."),
});
export type StageDiagnostics = z.infer<typeof stageDiagnostics>;

/** What a run answers, wherever it appears. The field names are a contract. */
export const runResult = z.object({
  success: z.boolean().describe("True where it was promoted and nothing speaks against it so far."),
  error: z
    .string()
    .nullable()
    .describe("Why there is no success, as a sentence; null where there is."),
  lifecycleRunId: z.string().describe("The run's id, a UUIDv7."),
  branchName: z.string().nullable().describe("The branch of its pull request."),
  headSha: z.string().nullable().describe("The commit that was to land, on that branch."),
  pullRequestUrl: z.string().nullable().describe("Where a person can look at the pull request."),
  pullRequestNumber: z.number().int().nullable().describe("The pull request's number on the host."),
  evidenceStatusContext: z
    .string()
    .describe(`The commit status with the sandbox's verdict: \`${EVIDENCE_STATUS_CONTEXT}\`.`),
  evidenceState: z
    .enum(["success", "failure", "pending", "missing"])
    .describe("The verdict; `missing`: the run failed before there was one."),
  promotionAttempted: z.boolean().describe("Whether anything was sent to the host to promote it."),
  promotionSucceeded: z.boolean().describe("Whether it landed, whatever became of it afterwards."),
  promotionBlocked: z.boolean().describe("Whether it is blocked, or parked until a reason passes."),
  blockReasons: z
    .array(z.enum(blockReasons))
    .readonly()
    .describe("Why it is blocked or parked; empty where it is not."),
  mergeError: z
    .string()
    .nullable()
    .describe("The host's own words where it refused the landing, at most 2,000 characters."),
  rollbackAttempted: z.boolean().describe("Whether going back from it was begun."),
  rollbackStatus: z
    .enum(rollbackStatuses)
    .nullable()
    .describe("How far going back has come; null where nobody began it."),
  rollbackReason: z.string().nullable().describe("Why Jarvis went back, or could not."),
  rollbackTargetBaselineSha: z.string().nullable().describe("The commit that it went back to."),
  rollbackRunId: z.string().nullable().describe("The run that takes the change back on the base."),
  verificationSummary: z.string().nullable().describe("How many stages passed, of how many."),
  verificationDiagnostics: z
    .array(stageDiagnostics)
    .readonly()
    .describe("Every stage, in its order; empty where the evidence is no longer kept."),
  verificationOverallStatus: z
    .enum(stageStatuses)
    .describe("What all stages add up to; `error` is nobody's verdict: the machine failed."),
  verificationFailedStage: z
    .string()
    .nullable()
    .describe("The name of the first that did not pass."),
  verificationFailureCategory: z
    .enum(failureCategories)
    .nullable()
    .describe("Why that stage did not pass, as a closed word."),
  verificationFailureReason: z.string().nullable().describe("Why it did not, as a sentence."),
  eventIds: z.array(z.string()).readonly().describe("Its events in the ledger, in their order."),
  baseSha: z.string().nullable().describe("The commit that it was put on."),
  treeSha: z.string().nullable().describe("The git tree that was staged: what was verified."),
  mergeSha: z.string().nullable().describe("The commit of the base that it landed as."),
  releaseDigest: z.string().nullable().describe("The digest of what was built, `sha256:<64 hex>`."),
  testEvidence: z
    .enum(testEvidences)
    .describe("What its tests show; `in-process`: they ran beside the code that they test."),
  status: z.enum(runStatuses).describe("Where the run stands."),
  attempt: z.number().int().describe("How many times it was begun: a parked run begins again."),
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
