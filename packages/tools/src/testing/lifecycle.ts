import type { EventContext, NewLifecycleEvent } from "../self-extension/lifecycle-events.ts";
import type { LifecyclePayload } from "../self-extension/lifecycle-payloads.ts";

type Event<T extends NewLifecycleEvent["type"]> = Extract<NewLifecycleEvent, { type: T }>;

export const sha = (letter: string): string => letter.repeat(40);
export const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

export function aContext(overrides: Partial<EventContext> = {}): EventContext {
  return {
    runId: "run",
    correlationId: "run",
    actorSource: "user",
    actor: "operator",
    toolName: null,
    toolCallId: null,
    goalId: null,
    cycleId: null,
    subGoalId: null,
    ...overrides,
  };
}

/** Events as the pipeline writes them; a test names only what it is about. */
export function proposed(
  runId: string,
  payload: Partial<LifecyclePayload<"proposed">> = {},
): Event<"proposed"> {
  return {
    ...common(runId, "proposed", payload.attempt),
    type: "proposed",
    payload: {
      attempt: 1,
      patchDigest: digest("d"),
      patchBytes: 10,
      title: "A change",
      goal: null,
      baseSha: sha("a"),
      treeSha: sha("c"),
      stagedSha: sha("b"),
      changedPaths: ["src/a.ts"],
      approval: null,
      ...payload,
    },
  };
}

export function tested(
  runId: string,
  payload: Partial<LifecyclePayload<"tested">> = {},
): Event<"tested"> {
  return {
    ...common(runId, "tested", payload.attempt),
    type: "tested",
    payload: {
      attempt: 1,
      attestation: "verified",
      passed: true,
      baseSha: sha("a"),
      treeSha: sha("c"),
      evidenceDigest: digest("e"),
      releaseDigest: digest("f"),
      testEvidence: "black-box",
      stages: [],
      reason: null,
      ...payload,
    },
  };
}

export function blocked(
  runId: string,
  payload: Partial<LifecyclePayload<"promotion_blocked">> = {},
): Event<"promotion_blocked"> {
  return {
    ...common(runId, "promotion_blocked", payload.attempt),
    type: "promotion_blocked",
    payload: {
      attempt: 1,
      reasons: ["promotion-paused"],
      detail: "Promotion is paused.",
      parked: true,
      branchName: null,
      headSha: null,
      pullRequestNumber: null,
      pullRequestUrl: null,
      ...payload,
    },
  };
}

export function promoted(runId: string): Event<"promoted"> {
  return {
    ...common(runId, "promoted"),
    type: "promoted",
    payload: {
      attempt: 1,
      baseSha: sha("a"),
      treeSha: sha("c"),
      headSha: sha("b"),
      mergeSha: sha("b"),
      branchName: "jarvis/x",
      pullRequestNumber: 1,
      pullRequestUrl: "http://127.0.0.1/1",
      evidenceDigest: digest("e"),
      releaseDigest: digest("f"),
    },
  };
}

export function failed(
  runId: string,
  payload: Partial<LifecyclePayload<"failed">> = {},
): Event<"failed"> {
  return {
    ...common(runId, "failed"),
    type: "failed",
    payload: { attempt: 1, category: "internal", reason: "broken", code: null, ...payload },
  };
}

function common(runId: string, type: string, attempt = 1) {
  return {
    context: aContext({ runId, correlationId: runId }),
    stage: "test",
    idempotencyKey: `${type}:${attempt}`,
  };
}

/** What the kernel writes when it has gone back from a promoted change. */
export function rollback(
  runId: string,
  rollbackRunId: string | null,
): [Event<"rollback_started">, Event<"rolled_back">] {
  const occurredAt = new Date().toISOString();
  return [
    {
      ...common(runId, "rollback_started"),
      type: "rollback_started",
      payload: {
        attempt: 1,
        cause: "operator",
        reason: "test",
        fromReleaseDigest: digest("f"),
        targetReleaseDigest: digest("0"),
        targetBaselineSha: sha("a"),
        occurredAt,
      },
    },
    {
      ...common(runId, "rolled_back"),
      type: "rolled_back",
      payload: {
        attempt: 1,
        releaseDigest: digest("0"),
        targetBaselineSha: sha("a"),
        durationMs: 1,
        rollbackRunId,
        occurredAt,
      },
    },
  ];
}
