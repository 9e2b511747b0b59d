import type { BlockReason } from "./block-reasons.ts";
import type { HealthReason } from "./health/health-reasons.ts";
import type { RollbackCause, RollbackFailure } from "./health-payloads.ts";
import type { LifecycleEvent, RunEventType } from "./lifecycle-events.ts";
import type { TestEvidence } from "./stage-words.ts";

/**
 * Where a run stands. `parked` waits for a switch or a person and goes on with a new attempt;
 * `blocked` and `failed` are ends. `promoted` is the end of the pipeline's work, and of the run
 * where the repository has no body; with one it goes on through its health window to `blessed`, or
 * back to `rolled-back`. `attested` is a base that set-up or a person vouched for: it is never
 * promoted, and may serve. `unreadable` has an event with a word of a newer version: this one leaves
 * it alone.
 */
export const runStatuses = [
  "new",
  "attested",
  "proposed",
  "tested",
  "parked",
  "blocked",
  "promoted",
  "failed",
  "watched",
  "window-passed",
  "blessed",
  "window-failed",
  "rolling-back",
  "rolled-back",
  "rollback-failed",
  "unreadable",
] as const;
export type RunStatus = (typeof runStatuses)[number];

/** How far the rollback of a run has come. */
export const rollbackStatuses = ["started", "rolled-back", "failed"] as const;

/** How the rollback of a run went; `runId` is the run that reverts the change on the base. */
export interface RollbackState {
  readonly attempt: number;
  readonly status: (typeof rollbackStatuses)[number];
  readonly cause: RollbackCause;
  readonly failure: RollbackFailure | null;
  readonly reason: string;
  readonly targetBaselineSha: string | null;
  readonly runId: string | null;
}

/** What the events of one run add up to. Pure: the same events always fold into the same state. */
export interface RunState {
  readonly runId: string;
  readonly status: RunStatus;
  readonly attempt: number;
  readonly correlationId: string | null;
  readonly title: string | null;
  readonly patchDigest: string | null;
  readonly baseSha: string | null;
  readonly treeSha: string | null;
  readonly stagedSha: string | null;
  readonly headSha: string | null;
  readonly mergeSha: string | null;
  readonly branchName: string | null;
  readonly pullRequestNumber: number | null;
  readonly pullRequestUrl: string | null;
  readonly evidenceDigest: string | null;
  readonly releaseDigest: string | null;
  readonly testEvidence: TestEvidence;
  readonly testsPassed: boolean | null;
  /** When it first had a passing verdict; null before. */
  readonly readyAt: string | null;
  readonly verificationReason: string | null;
  readonly blockReasons: readonly BlockReason[];
  readonly blockDetail: string | null;
  readonly mergeError: string | null;
  readonly failure: { category: string; reason: string } | null;
  /** The last health window: its number, how it ended (null while it is open) and why it failed. */
  readonly healthWindow: {
    readonly window: number;
    readonly verdict: "healthy" | "degraded" | "undecided" | null;
    readonly reasons: readonly HealthReason[];
  } | null;
  readonly rollback: RollbackState | null;
  readonly eventIds: readonly string[];
  readonly startedAt: string | null;
  /** When the last event happened. */
  readonly updatedAt: string | null;
  readonly endedAt: string | null;
}

/** What may follow what. A type that is not listed is an illegal transition. */
const nextEvents: Record<RunStatus, readonly RunEventType[]> = {
  // An attestation of a base begins with its verdict: nothing was proposed.
  new: ["proposed", "tested"],
  attested: ["tested", "health_window_started", "baseline_blessed", "rollback_started"],
  proposed: ["proposed", "tested", "promotion_blocked", "failed"],
  tested: ["proposed", "tested", "promoted", "promotion_blocked", "failed"],
  parked: ["proposed", "tested", "promoted", "promotion_blocked", "failed"],
  blocked: [],
  promoted: ["health_window_started", "rollback_started"],
  failed: [],
  // A window that begins anew says so; an operator may go back before it has ended.
  watched: [
    "health_window_started",
    "health_window_passed",
    "health_window_failed",
    "rollback_started",
  ],
  "window-passed": ["baseline_blessed", "rollback_started"],
  // Watching never ends: what was blessed may still degrade.
  blessed: ["rollback_started"],
  "window-failed": ["rollback_started"],
  "rolling-back": ["rolled_back", "rollback_failed"],
  // There is no rollback of a rollback.
  "rolled-back": [],
  "rollback-failed": ["rollback_started"],
  unreadable: [],
};

export function mayFollow(status: RunStatus, type: RunEventType): boolean {
  return nextEvents[status].includes(type);
}

/**
 * Whether the pipeline has nothing more to do with a run: it is neither started again nor failed.
 * What was promoted may still be watched and rolled back, which is no work of the pipeline's.
 */
export function isTerminal(status: RunStatus): boolean {
  return !pipelineEvents.some((type) => mayFollow(status, type));
}

const pipelineEvents = [
  "proposed",
  "tested",
  "promotion_blocked",
  "promoted",
  "failed",
] as const satisfies readonly RunEventType[];

/** Whether something of a promoted run still has to happen: a verdict, a blessing or a way back. */
export function isUnsettled(status: RunStatus): boolean {
  return unsettled.includes(status);
}

const unsettled: readonly RunStatus[] = [
  "watched",
  "window-passed",
  "window-failed",
  "rolling-back",
];

export function initialRunState(runId: string): RunState {
  return {
    runId,
    status: "new",
    attempt: 0,
    correlationId: null,
    title: null,
    patchDigest: null,
    baseSha: null,
    treeSha: null,
    stagedSha: null,
    headSha: null,
    mergeSha: null,
    branchName: null,
    pullRequestNumber: null,
    pullRequestUrl: null,
    evidenceDigest: null,
    releaseDigest: null,
    testEvidence: "none",
    testsPassed: null,
    readyAt: null,
    verificationReason: null,
    blockReasons: [],
    blockDetail: null,
    mergeError: null,
    failure: null,
    healthWindow: null,
    rollback: null,
    eventIds: [],
    startedAt: null,
    updatedAt: null,
    endedAt: null,
  };
}

/** A run that this version does not understand, and therefore does nothing with. */
export function unreadableRun(runId: string, why: string): RunState {
  const detail = `A newer version of Jarvis wrote about this run, so that this one leaves it alone (${why}).`;
  return { ...initialRunState(runId), status: "unreadable", blockDetail: detail };
}

export function foldRun(runId: string, events: readonly LifecycleEvent[]): RunState {
  return events.reduce(applyEvent, initialRunState(runId));
}

export function applyEvent(state: RunState, event: LifecycleEvent): RunState {
  const seen: RunState = {
    ...state,
    correlationId: state.correlationId ?? event.correlationId,
    eventIds: [...state.eventIds, event.id],
    startedAt: state.startedAt ?? event.createdAt,
    updatedAt: event.createdAt,
  };
  switch (event.type) {
    case "proposed":
      return {
        ...seen,
        status: "proposed",
        attempt: event.payload.attempt,
        title: event.payload.title,
        patchDigest: event.payload.patchDigest,
        baseSha: event.payload.baseSha,
        treeSha: event.payload.treeSha,
        stagedSha: event.payload.stagedSha,
        // What is staged now has no verdict yet, whatever an earlier attempt was told.
        evidenceDigest: null,
        releaseDigest: null,
        testEvidence: "none",
        testsPassed: null,
        verificationReason: null,
        blockReasons: [],
        blockDetail: null,
      };
    case "tested":
      return {
        ...seen,
        // A verdict about what nobody proposed is one about a base.
        status: state.patchDigest === null && event.payload.passed ? "attested" : "tested",
        attempt: Math.max(state.attempt, event.payload.attempt),
        baseSha: event.payload.baseSha ?? state.baseSha,
        treeSha: event.payload.treeSha,
        evidenceDigest: event.payload.evidenceDigest,
        releaseDigest: event.payload.releaseDigest,
        testEvidence: event.payload.testEvidence,
        testsPassed: event.payload.passed,
        readyAt: state.readyAt ?? (event.payload.passed ? event.createdAt : null),
        verificationReason: event.payload.reason,
      };
    case "promotion_blocked": {
      // As it was decided then: a history folds alike under a later list of parking reasons.
      const { parked } = event.payload;
      return {
        ...seen,
        status: parked ? "parked" : "blocked",
        attempt: event.payload.attempt,
        blockReasons: event.payload.reasons,
        blockDetail: event.payload.detail,
        mergeError: event.payload.mergeError ?? null,
        branchName: event.payload.branchName ?? state.branchName,
        headSha: event.payload.headSha ?? state.headSha,
        pullRequestNumber: event.payload.pullRequestNumber ?? state.pullRequestNumber,
        pullRequestUrl: event.payload.pullRequestUrl ?? state.pullRequestUrl,
        endedAt: parked ? null : event.createdAt,
      };
    }
    case "promoted":
      return {
        ...seen,
        status: "promoted",
        attempt: event.payload.attempt,
        baseSha: event.payload.baseSha,
        treeSha: event.payload.treeSha,
        headSha: event.payload.headSha,
        mergeSha: event.payload.mergeSha,
        branchName: event.payload.branchName,
        pullRequestNumber: event.payload.pullRequestNumber,
        pullRequestUrl: event.payload.pullRequestUrl,
        blockReasons: [],
        blockDetail: null,
        endedAt: event.createdAt,
      };
    case "failed":
      return {
        ...seen,
        status: "failed",
        failure: { category: event.payload.category, reason: event.payload.reason },
        endedAt: event.createdAt,
      };
    case "health_window_started":
      return {
        ...seen,
        status: "watched",
        releaseDigest: event.payload.releaseDigest,
        healthWindow: { window: event.payload.window, verdict: null, reasons: [] },
        endedAt: null,
      };
    case "health_window_passed":
      return {
        ...seen,
        status: "window-passed",
        healthWindow: { window: event.payload.window, verdict: "healthy", reasons: [] },
      };
    case "health_window_failed": {
      const { window, verdict, reasons } = event.payload;
      return { ...seen, status: "window-failed", healthWindow: { window, verdict, reasons } };
    }
    case "baseline_blessed":
      return {
        ...seen,
        status: "blessed",
        releaseDigest: event.payload.releaseDigest,
        endedAt: event.createdAt,
      };
    case "rollback_started":
      return {
        ...seen,
        status: "rolling-back",
        rollback: {
          attempt: event.payload.attempt,
          status: "started",
          cause: event.payload.cause,
          failure: null,
          reason: event.payload.reason,
          targetBaselineSha: event.payload.targetBaselineSha,
          runId: null,
        },
        endedAt: null,
      };
    case "rolled_back":
      return {
        ...seen,
        status: "rolled-back",
        rollback: state.rollback && {
          ...state.rollback,
          status: "rolled-back",
          targetBaselineSha: event.payload.targetBaselineSha,
          runId: event.payload.rollbackRunId,
        },
        endedAt: event.createdAt,
      };
    case "rollback_failed":
      return {
        ...seen,
        status: "rollback-failed",
        rollback: state.rollback && {
          ...state.rollback,
          status: "failed",
          failure: event.payload.code,
          reason: event.payload.reason,
          targetBaselineSha: event.payload.targetBaselineSha ?? state.rollback.targetBaselineSha,
          runId: event.payload.rollbackRunId,
        },
        endedAt: event.createdAt,
      };
    case "promotion_pause_changed":
      return seen;
  }
}
