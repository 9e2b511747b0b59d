import { afterEach, describe, expect, it } from "vitest";
import { actionWorld, ada, anAction, aRequest, validated } from "../testing/action-world.ts";
import type { ActionWorld } from "../testing/action-world.ts";
import { scoreSession, SessionRiskTracker } from "./session-risk.ts";
import type { SessionAction } from "./session-risk.ts";

describe("the score of a session", () => {
  it.each<[string, [secondsAgo: number, Partial<SessionAction>][], number, string]>([
    ["nothing", [], 0, "low"],
    ["one small change", [[0, {}]], 0.5, "low"],
    [
      "any amount of reading",
      Array.from({ length: 200 }, () => [0, { effect: "read", risk: "critical" }]),
      0,
      "low",
    ],
    [
      "two apart",
      [
        [100, { risk: "high" }],
        [0, { risk: "high" }],
      ],
      20,
      "medium",
    ],
    [
      "two in a burst",
      [
        [10, { risk: "high" }],
        [0, { risk: "high" }],
      ],
      25,
      "high",
    ],
    [
      "what is long ago",
      [
        [301, { risk: "critical" }],
        [0, {}],
      ],
      0.5,
      "low",
    ],
    [
      "one irreversible step after another",
      [
        [100, { effect: "irreversible", risk: "high" }],
        [0, { effect: "irreversible", risk: "high" }],
      ],
      35,
      "high",
    ],
    [
      "a process and then what nobody can take back",
      [
        [10, { effect: "process", risk: "high" }],
        [0, { effect: "irreversible", risk: "high" }],
      ],
      45,
      "high",
    ],
    [
      "two of the worst",
      [
        [60, { risk: "critical" }],
        [0, { risk: "critical" }],
      ],
      50,
      "critical",
    ],
  ])("%s", (_, actions, score, level) => {
    const now = new Date("2026-01-01T00:10:00Z");
    const history = actions.map(([secondsAgo, action]): SessionAction => ({
      at: new Date(now.getTime() - secondsAgo * 1000),
      effect: "write-workspace",
      risk: "low",
      ...action,
    }));
    expect(scoreSession(history, now)).toEqual({ score, level });
  });
});

describe("a session in the executor", () => {
  let world: ActionWorld;

  afterEach(() => world.close());

  const high = anAction({ name: "high", risk: "high" });
  const critical = anAction({ name: "critical", risk: "critical" });
  const look = anAction({ name: "look", effect: "read" });

  it("needs approvals from the configured level on, and others do not", async () => {
    world = await actionWorld([high], { sessions: new SessionRiskTracker({ askFrom: "medium" }) });
    const { executor } = world;
    const early = await validated(executor, { actionName: "high", sessionId: "calm" });
    expect(early.needsApproval).toBe(true);
    const low = await actionWorld([high], {
      sessions: new SessionRiskTracker({ askFrom: "high" }),
    });
    const first = await validated(low.executor, { actionName: "high" });
    const second = await validated(low.executor, { actionName: "high" });
    expect([first.needsApproval, second.needsApproval]).toEqual([false, false]);
    const began = await low.executor.execute(first.id, { approvalToken: undefined });
    expect(began.outcome).toBe("completed");
    // Validated while the session was calm; what counts is when it would begin.
    expect(await low.executor.execute(second.id, { approvalToken: undefined })).toMatchObject({
      outcome: "refused",
      refusal: "approval-needed",
    });
    const other = await validated(low.executor, { actionName: "high", sessionId: "other" });
    expect(other.needsApproval).toBe(false);
    await low.close();
  });

  it("goes to observe at critical, reads on, and stays there until it is released", async () => {
    const sessions = new SessionRiskTracker();
    world = await actionWorld([critical, look], { sessions });
    const { executor, auditor } = world;
    for (let round = 0; round < 2; round += 1) {
      const { id, parametersDigest } = await proposeCritical();
      if (round === 1) break;
      const approval = await executor.approve(id, { by: ada, digest: parametersDigest });
      if (approval.outcome !== "approved") throw new Error(approval.detail);
      await executor.execute(id, { approvalToken: approval.token });
    }
    const { id } = await executor.propose(aRequest({ actionName: "critical" }));
    expect(await executor.validate(id)).toMatchObject({
      outcome: "invalid",
      errors: [{ path: "session", message: "session-1 may only observe" }],
    });
    const reading = await validated(executor, { actionName: "look" });
    const read = await executor.execute(reading.id, { approvalToken: undefined });
    expect(read.outcome).toBe("completed");
    const changes = await auditor.getEvents({ eventType: "mode_change" });
    expect(changes.at(-1)?.eventData).toMatchObject({
      sessionId: "session-1",
      oldMode: "execute",
      newMode: "observe",
    });

    expect(await sessions.observed(world.db)).toMatchObject([
      { sessionId: "session-1", updatedBy: "session risk" },
    ]);
    await sessions.release(world.db, "session-1", { by: ada, reason: "looked at it" });
    expect(await sessions.observed(world.db)).toEqual([]);
    await expect(
      sessions.release(world.db, "session-1", { by: ada, reason: "again" }),
    ).rejects.toMatchObject({ code: "session-unknown" });
    const again = await executor.propose(aRequest({ actionName: "critical" }));
    expect((await executor.validate(again.id)).outcome).toBe("valid");
  });

  async function proposeCritical() {
    const { id } = await world.executor.propose(aRequest({ actionName: "critical" }));
    return (await world.executor.validate(id)).proposal;
  }
});
