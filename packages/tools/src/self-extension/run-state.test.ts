import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { healthPayloadExamples } from "../testing/health.ts";
import { lifecycleEventTypes, type LifecycleEvent, type RunEventType } from "./lifecycle-events.ts";
import { resultOf } from "./run-result.ts";
import {
  applyEvent,
  foldRun,
  initialRunState,
  isTerminal,
  isUnsettled,
  mayFollow,
  runStatuses,
  type RunStatus,
} from "./run-state.ts";

const types = lifecycleEventTypes.filter((type) => type !== "promotion_pause_changed");

describe("mayFollow", () => {
  it.each<[RunStatus, RunEventType[]]>([
    ["new", ["proposed", "tested"]],
    ["proposed", ["proposed", "tested", "promotion_blocked", "failed"]],
    ["tested", ["proposed", "tested", "promotion_blocked", "promoted", "failed"]],
    ["parked", ["proposed", "tested", "promotion_blocked", "promoted", "failed"]],
    ["attested", ["tested", "health_window_started", "baseline_blessed", "rollback_started"]],
    ["blocked", []],
    ["promoted", ["health_window_started", "rollback_started"]],
    ["failed", []],
    [
      "watched",
      ["health_window_started", "health_window_passed", "health_window_failed", "rollback_started"],
    ],
    ["window-passed", ["baseline_blessed", "rollback_started"]],
    ["blessed", ["rollback_started"]],
    ["window-failed", ["rollback_started"]],
    ["rolling-back", ["rolled_back", "rollback_failed"]],
    ["rolled-back", []],
    ["rollback-failed", ["rollback_started"]],
  ])("after %s allows %j and nothing else", (status, allowed) => {
    expect(types.filter((type) => mayFollow(status, type)).toSorted()).toEqual(allowed.toSorted());
  });
});

describe("foldRun", () => {
  it("never leaves an end, never promotes what was not tested, nor blesses what was not watched", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...types), { maxLength: 40 }),
        fc.boolean(),
        (sequence, park) => {
          let state = initialRunState("run");
          let tested = false;
          const seen = new Set<RunEventType>();
          for (const [index, type] of sequence.entries()) {
            if (!mayFollow(state.status, type)) continue;
            const ofPipeline = types.indexOf(type) < 5;
            if (ofPipeline) expect(isTerminal(state.status)).toBe(false);
            expect(["blocked", "failed", "rolled-back"]).not.toContain(state.status);
            if (type === "baseline_blessed") {
              expect(state.status === "attested" || seen.has("health_window_passed")).toBe(true);
            }
            if (type === "rolled_back") expect(seen.has("rollback_started")).toBe(true);
            seen.add(type);
            if (type === "promoted") expect(tested || state.status === "parked").toBe(true);
            state = applyEvent(state, event(type, index, park));
            tested ||= type === "tested";
          }
        },
      ),
    );
  });

  it("parks on a reason that can pass and ends on one that cannot", () => {
    const history = [event("proposed", 0), event("tested", 1)];
    expect(foldRun("run", [...history, event("promotion_blocked", 2, true)]).status).toBe("parked");
    expect(foldRun("run", [...history, event("promotion_blocked", 2, false)]).status).toBe(
      "blocked",
    );
  });

  it("keeps the evidence of the last verification through a park", () => {
    const state = foldRun("run", [
      event("proposed", 0),
      event("tested", 1),
      event("promotion_blocked", 2, true),
    ]);
    expect(state).toMatchObject({
      testsPassed: true,
      treeSha: sha("c"),
      blockReasons: ["promotion-paused"],
    });
  });
});

describe("a run after its promotion", () => {
  const until = ["proposed", "tested", "promoted"] as const;

  it.each<[readonly RunEventType[], RunStatus, boolean]>([
    [[], "promoted", true],
    [["health_window_started"], "watched", true],
    [["health_window_started", "health_window_started"], "watched", true],
    [["health_window_started", "health_window_passed"], "window-passed", true],
    [["health_window_started", "health_window_passed", "baseline_blessed"], "blessed", true],
    [["health_window_started", "health_window_failed"], "window-failed", false],
    [["health_window_started", "health_window_failed", "rollback_started"], "rolling-back", false],
    [["rollback_started", "rolled_back"], "rolled-back", false],
    [["rollback_started", "rollback_failed"], "rollback-failed", false],
    [["rollback_started", "rollback_failed", "rollback_started"], "rolling-back", false],
  ])("and %j is %s", (more, status, success) => {
    const state = foldRun(
      "run",
      [...until, ...more].map((type, index) => event(type, index)),
    );
    expect(state.status).toBe(status);
    // For the pipeline it has ended: it is not started again, and not failed.
    expect(isTerminal(status)).toBe(true);
    const result = resultOf(state, []);
    expect(result).toMatchObject({ status, success, promotionSucceeded: true });
    if (success) expect(result.error).toBeNull();
    else expect(result.error).toMatch(/rolled back|not passed/);
    expect(state.endedAt === null).toBe(isUnsettled(status) || status === "rolling-back");
  });

  it("tells of its rollback in the words of the result contract", () => {
    const history = [...until, "rollback_started"] as const;
    const events = history.map((type, index) => event(type, index));
    expect(resultOf(foldRun("run", events.slice(0, 3)), [])).toMatchObject({
      rollbackAttempted: false,
      rollbackStatus: null,
      rollbackReason: null,
      rollbackTargetBaselineSha: null,
      rollbackRunId: null,
    });
    expect(resultOf(foldRun("run", events), [])).toMatchObject({
      rollbackAttempted: true,
      rollbackStatus: "started",
      rollbackReason: "Tool calls fail more often than the baseline's did.",
      rollbackTargetBaselineSha: sha("a"),
      rollbackRunId: null,
    });
    expect(resultOf(foldRun("run", [...events, event("rolled_back", 4)]), [])).toMatchObject({
      rollbackStatus: "rolled-back",
      rollbackRunId: "revert-run",
    });
    expect(resultOf(foldRun("run", [...events, event("rollback_failed", 4)]), [])).toMatchObject({
      rollbackStatus: "failed",
      rollbackReason: "A later change touched the same file.",
      rollbackTargetBaselineSha: sha("a"),
    });
  });

  it("is never taken for one whose pipeline could go on", () => {
    const open = runStatuses.filter((status) => !isTerminal(status));
    expect(open).toEqual(["new", "attested", "proposed", "tested", "parked"]);
  });
});

describe("a base that somebody vouches for", () => {
  it("may serve and be blessed, and is never promoted", () => {
    const attested = foldRun("run", [event("tested", 0)]);
    expect(attested.status).toBe("attested");
    expect(mayFollow("attested", "promoted")).toBe(false);
    expect(foldRun("run", [event("tested", 0), event("baseline_blessed", 1)]).status).toBe(
      "blessed",
    );
  });

  it("may not serve when its verification failed", () => {
    const verdict = event("tested", 0);
    const payload = { ...verdict.payload, passed: false };
    const { status } = foldRun("run", [{ ...verdict, payload } as LifecycleEvent]);
    expect(mayFollow(status, "baseline_blessed")).toBe(false);
    expect(mayFollow(status, "health_window_started")).toBe(false);
  });
});

const sha = (letter: string) => letter.repeat(40);
const digest = `sha256:${"d".repeat(64)}`;

function event(type: RunEventType, seq: number, parked = true): LifecycleEvent {
  const payloads = {
    proposed: {
      attempt: 1,
      patchDigest: digest,
      patchBytes: 10,
      title: "t",
      goal: null,
      baseSha: sha("a"),
      treeSha: sha("c"),
      stagedSha: sha("b"),
      changedPaths: [],
    },
    tested: {
      attempt: 1,
      attestation: "verified",
      passed: true,
      baseSha: sha("a"),
      treeSha: sha("c"),
      evidenceDigest: digest,
      releaseDigest: digest,
      testEvidence: "black-box",
      stages: [],
      reason: null,
    },
    promotion_blocked: {
      attempt: 1,
      reasons: [parked ? "promotion-paused" : "protected-path"],
      detail: "",
      parked,
      branchName: null,
      headSha: null,
      pullRequestNumber: null,
      pullRequestUrl: null,
    },
    promoted: {
      attempt: 1,
      baseSha: sha("a"),
      treeSha: sha("c"),
      headSha: sha("e"),
      mergeSha: sha("e"),
      branchName: "jarvis/x",
      pullRequestNumber: 1,
      pullRequestUrl: "http://127.0.0.1/1",
      evidenceDigest: digest,
      releaseDigest: digest,
    },
    failed: { attempt: 1, category: "internal", reason: "x", code: null },
    ...healthPayloadExamples,
  } as const;
  return {
    id: String(seq + 1),
    runId: "run",
    correlationId: "run",
    seq,
    type,
    stage: "test",
    context: {
      runId: "run",
      correlationId: "run",
      actorSource: "user",
      actor: "operator",
      toolName: null,
      toolCallId: null,
      goalId: null,
      cycleId: null,
      subGoalId: null,
    },
    payload: payloads[type],
    createdAt: new Date(seq).toISOString(),
  } as unknown as LifecycleEvent;
}
