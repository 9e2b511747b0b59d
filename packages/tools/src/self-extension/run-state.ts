import type { BlockReason } from "./block-reasons.ts";
import type { LifecycleEvent, RunEventType } from "./lifecycle-events.ts";

/**
 * Where a run stands. `parked` waits for a switch or a person and goes on with a new attempt;
 * `blocked`, `promoted` and `failed` are ends.
 */
export type RunStatus =
  | "new"
  | "proposed"
  | "tested"
  | "parked"
  | "blocked"
  | "promoted"
  | "failed";

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
  readonly testEvidence: "black-box" | "in-process" | "none";
  readonly testsPassed: boolean | null;
  readonly verificationReason: string | null;
  readonly blockReasons: readonly BlockReason[];
  readonly blockDetail: string | null;
  readonly mergeError: string | null;
  readonly failure: { category: string; reason: string } | null;
  readonly eventIds: readonly string[];
  readonly startedAt: string | null;
  /** When the last event happened. */
  readonly updatedAt: string | null;
  readonly endedAt: string | null;
}

/** What may follow what. A type that is not listed is an illegal transition. */
const nextEvents: Record<RunStatus, readonly RunEventType[]> = {
  // An attestation of a base (`tested`) is a run of one event.
  new: ["proposed", "tested"],
  proposed: ["proposed", "tested", "promotion_blocked", "failed"],
  tested: ["proposed", "tested", "promoted", "promotion_blocked", "failed"],
  parked: ["proposed", "tested", "promoted", "promotion_blocked", "failed"],
  blocked: [],
  promoted: [],
  failed: [],
};

export function mayFollow(status: RunStatus, type: RunEventType): boolean {
  return nextEvents[status].includes(type);
}

export function isTerminal(status: RunStatus): boolean {
  return nextEvents[status].length === 0;
}

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
    verificationReason: null,
    blockReasons: [],
    blockDetail: null,
    mergeError: null,
    failure: null,
    eventIds: [],
    startedAt: null,
    updatedAt: null,
    endedAt: null,
  };
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
        status: "tested",
        attempt: Math.max(state.attempt, event.payload.attempt),
        baseSha: event.payload.baseSha ?? state.baseSha,
        treeSha: event.payload.treeSha,
        evidenceDigest: event.payload.evidenceDigest,
        releaseDigest: event.payload.releaseDigest,
        testEvidence: event.payload.testEvidence,
        testsPassed: event.payload.passed,
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
    case "promotion_pause_changed":
      return seen;
  }
}
