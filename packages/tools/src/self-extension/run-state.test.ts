import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LifecycleEvent, RunEventType } from "./lifecycle-events.ts";
import {
  applyEvent,
  foldRun,
  initialRunState,
  isTerminal,
  mayFollow,
  type RunStatus,
} from "./run-state.ts";

const types: RunEventType[] = ["proposed", "tested", "promotion_blocked", "promoted", "failed"];

describe("mayFollow", () => {
  it.each<[RunStatus, RunEventType[]]>([
    ["new", ["proposed", "tested"]],
    ["proposed", ["proposed", "tested", "promotion_blocked", "failed"]],
    ["tested", ["proposed", "tested", "promotion_blocked", "promoted", "failed"]],
    ["parked", ["proposed", "tested", "promotion_blocked", "promoted", "failed"]],
    ["blocked", []],
    ["promoted", []],
    ["failed", []],
  ])("after %s allows %j and nothing else", (status, allowed) => {
    expect(types.filter((type) => mayFollow(status, type)).toSorted()).toEqual(allowed.toSorted());
  });
});

describe("foldRun", () => {
  it("never leaves an end and never promotes what was not tested", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...types), { maxLength: 12 }),
        fc.boolean(),
        (sequence, park) => {
          let state = initialRunState("run");
          let tested = false;
          for (const [index, type] of sequence.entries()) {
            if (!mayFollow(state.status, type)) continue;
            expect(isTerminal(state.status)).toBe(false);
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
