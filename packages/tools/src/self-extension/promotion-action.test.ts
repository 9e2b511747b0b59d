import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ActionProposal, StartRefusal } from "@jarvis/operator-core";
import {
  ActionExecutor,
  ActionRegistry,
  listProposals,
  readProposal,
  SessionRiskTracker,
} from "@jarvis/operator-core";
import { makePromotionWorld, onRequest, type PromotionWorld } from "../testing/promotion-world.ts";
import { isParking } from "./block-reasons.ts";
import { promoteChange } from "./github-pipeline.ts";
import { promotionSession } from "./promotion-action.ts";
import { setPromotionControlState } from "./promotion-control.ts";
import { whyInvalid, whyNotBegun, whyStopped } from "./promotion-refusal.ts";
import { readRun, type Run } from "./runs.ts";
import { loadVerified } from "./verification.ts";

let suite: PromotionWorld;

beforeAll(async () => {
  suite = await makePromotionWorld();
});

beforeEach(async () => {
  await pause(false);
  await suite.world.safety.setMode("execute", operator);
});

afterAll(async () => await suite.close());

const operator = { reason: "a test", actor: "anna" };

describe("a promotion", () => {
  it("is an action of who proposed the change, and on record with its end", async () => {
    const run = await suite.world.propose(suite.patch(), { title: "A good one" });
    expect(run.result.success).toBe(true);
    expect(await newest()).toMatchObject({
      actionName: "promote_change",
      state: "completed",
      effect: "promotion",
      needsApproval: false,
      requestedBy: "operator",
      reason: "A good one",
      parameters: { runId: run.state.runId, treeSha: run.result.treeSha, attempt: 1 },
    });
  });

  it("cannot be made without the executor", async () => {
    const { world } = suite;
    await pause(true);
    const run = await world.propose(suite.patch());
    await pause(false);
    const verified = await loadVerified(world, run.state.runId, run.state.stagedSha ?? "");
    const signal = new AbortController().signal;
    const before = world.mutations().length;
    const past = async () => {
      // @ts-expect-error Only the executor has a permit, so that this does not compile.
      await promoteChange(world, verified, 2, { permit: {}, proposalId: 1, signal });
    };
    await expect(past()).rejects.toMatchObject({ code: "not-permitted" });
    const without = async () => {
      // @ts-expect-error Nor does a promotion without any permission.
      await promoteChange(world, verified, 2);
    };
    await expect(without()).rejects.toThrow("undefined");
    expect(world.mutations()).toHaveLength(before);
  });

  it("is refused in observe, without a mutation, and made once execute is set", async () => {
    const { world } = suite;
    await world.safety.setMode("observe", operator);
    const before = world.mutations().length;
    const run = await world.propose(suite.patch());
    expect(run.result).toMatchObject({
      status: "parked",
      blockReasons: ["observe-only"],
      verificationOverallStatus: "passed",
    });
    expect(world.mutations()).toHaveLength(before);
    expect(await newest()).toMatchObject({ state: "cancelled", endReason: "the mode is observe" });
    await world.safety.setMode("execute", operator);
    expect((await world.attempt(run.state.runId, 2)).result.success).toBe(true);
  });

  it("does not begin where the base has moved or the host is away: nothing is counted", async () => {
    const { world } = suite;
    const runId = await world.submit(suite.patch());
    const staged = (await world.steps.stage(runId, 1)).stagedSha ?? "";
    await world.steps.verify(runId, staged);
    await suite.moveBase({ attested: true });
    const before = await newest();
    expect(await world.steps.promote(runId, staged, 1)).toMatchObject({ reasons: ["base-moved"] });
    const stop = onRequest(world, async () => {
      throw new TypeError("fetch failed");
    });
    const away = await world.steps.promote(runId, staged, 1);
    stop();
    expect(away.reasons).toEqual(["github-not-connected"]);
    expect((await newest())?.id).toBe(before?.id);
  });
});

describe("a kill during a promotion", () => {
  it.each([
    ["before the first mutation", "GET"],
    ["before the landing", "POST"],
  ])("%s ends the run, lands nothing and is counted", async (_, method) => {
    const { world } = suite;
    const before = await suite.host();
    let kill: Promise<number> | undefined;
    const stop = onceUnderWay(method, async () => {
      kill = world.safety.killSwitch(operator);
      // Longer than an executor of the same process needs to hear of it.
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    const run = await world.propose(suite.patch());
    stop();
    expect(await kill).toBe(1);
    expect(run.result).toMatchObject({
      status: "blocked",
      blockReasons: ["kill-switch-active"],
      mergeSha: null,
    });
    expect((await suite.host()).base).toBe(before.base);
    expect((await newest())?.state).toBe("cancelled");
  });

  it("that comes after the landing took effect does not undo it: it is read back and recorded", async () => {
    const { world } = suite;
    const stop = onRequest(world, async (call, send) => {
      if (call.method !== "PATCH") return await send();
      await send();
      await world.safety.killSwitch(operator).catch(() => undefined);
      throw new Error("killed");
    });
    const runId = await world.submit(suite.patch());
    await expect(world.attempt(runId, 1)).rejects.toThrow("killed");
    stop();
    const run = await world.attempt(runId, 1);
    expect(run.result).toMatchObject({ success: true });
    const host = await suite.host();
    expect(host.base).toBe(run.result.mergeSha);
    // Removing the branch is a mutation, and waits for the next promotion that is allowed.
    expect(host.branches).toContain(run.result.branchName);
    await world.safety.setMode("execute", operator);
    expect((await world.propose(suite.patch())).result.success).toBe(true);
    expect((await suite.host()).branches).not.toContain(run.result.branchName);
  });
});

describe("a promotion whose kernel stood still for longer than its lease", () => {
  it("lands nothing, and is tried again: nobody has killed it", async () => {
    const { world } = suite;
    const { base } = await suite.host();
    const stop = onceUnderWay("POST", async () => await takenForDead(world.executor));
    const run = await world.propose(suite.patch());
    stop();
    expect(run.result).toMatchObject({
      status: "parked",
      blockReasons: ["database-unreachable"],
      mergeSha: null,
    });
    expect((await suite.host()).base).toBe(base);
    expect((await world.attempt(run.state.runId, 2)).result.success).toBe(true);
  });

  it("is ended by a kill that came meanwhile", async () => {
    const { world } = suite;
    const stop = onceUnderWay("POST", async () => {
      await takenForDead(world.executor);
      await world.safety.kill(operator);
    });
    const run = await world.propose(suite.patch());
    stop();
    expect(run.result).toMatchObject({
      status: "blocked",
      blockReasons: ["kill-switch-active"],
    });
  });
});

describe("the kill switch and the pause", () => {
  it.each([
    { killed: false, paused: false, reasons: [] },
    { killed: true, paused: false, reasons: ["observe-only"] },
    { killed: false, paused: true, reasons: ["promotion-paused"] },
    { killed: true, paused: true, reasons: ["promotion-paused", "observe-only"] },
  ])("killed $killed and paused $paused: each says its own word", async (row) => {
    const { world } = suite;
    const run = await world.attempt(await world.submit(suite.patch()), 1, async () => {
      if (row.killed) await world.safety.killSwitch(operator);
      if (row.paused) await pause(true);
    });
    expect(run.result.blockReasons).toEqual(row.reasons);
    expect(run.result.success).toBe(!row.killed && !row.paused);
    if (run.result.success) return;
    // Releasing the one leaves the other as it is.
    await world.safety.setMode("execute", operator);
    const released = await world.attempt(run.state.runId, 2);
    expect(released.result.blockReasons).toEqual(row.paused ? ["promotion-paused"] : []);
    await pause(false);
    const done = await world.attempt(run.state.runId, 3);
    expect(done.result.success).toBe(true);
  });

  it("killed before it was verified ends a run: nothing is even tested", async () => {
    const { world } = suite;
    await world.safety.killSwitch(operator);
    const run = await world.propose(suite.patch());
    expect(run.result).toMatchObject({ success: false, blockReasons: ["kill-switch-active"] });
  });

  it("resuming while killed promotes nothing", async () => {
    const { world } = suite;
    const run = await world.attempt(await world.submit(suite.patch()), 1, async () => {
      await world.safety.killSwitch(operator);
      await pause(true);
    });
    const before = world.mutations().length;
    await pause(false);
    const resumed = await world.attempt(run.state.runId, 2);
    expect(resumed.result.blockReasons).toEqual(["observe-only"]);
    expect(world.mutations()).toHaveLength(before);
  });
});

describe("a promotion that the executor did not begin", () => {
  const refused = (refusal: StartRefusal) => ({ outcome: "refused", refusal, detail: "" }) as const;
  it.each([
    [refused("not-executable"), "observe-only", true],
    [refused("lost-race"), "observe-only", true],
    [refused("approval-needed"), "session-at-risk", true],
    [refused("session-observe-only"), "session-at-risk", true],
    [refused("denied"), "action-denied", false],
    [refused("changed"), "action-denied", false],
    [{ outcome: "cancelled", reason: "", attempts: 0, durationMs: 0 }, "observe-only", true],
  ] as const)("with %o is blocked as %s; parked: %s", (outcome, reason, parked) => {
    expect(whyNotBegun(outcome, { killed: false }).reason).toBe(reason);
    expect(isParking([reason])).toBe(parked);
  });

  it("after a kill is ended by it", () => {
    const stopped = { outcome: "cancelled", reason: "", attempts: 0, durationMs: 0 } as const;
    expect(whyNotBegun(stopped, { killed: true }).reason).toBe("kill-switch-active");
  });

  it.each([
    ["killed", false, "kill-switch-active"],
    ["executor", true, "kill-switch-active"],
    ["timed-out", true, "kill-switch-active"],
    ["timed-out", false, "github-not-connected"],
    ["executor", false, "database-unreachable"],
  ] as const)("or stopped: by %s, ordered: %s, is %s", (by, isOrdered, reason) => {
    expect(whyStopped({ by }, isOrdered).reason).toBe(reason);
  });

  it.each([
    [[{ path: "policy", message: "no rule" }], "action-denied"],
    [[{ path: "session", message: "x may only observe" }], "session-at-risk"],
  ])("because of %o is blocked as %s", (errors, reason) => {
    const validation = { outcome: "invalid", errors } as unknown as Parameters<
      typeof whyInvalid
    >[0];
    expect(whyInvalid(validation).reason).toBe(reason);
  });
});

describe("promotions of one origin in a short time", () => {
  it("wait for a person from the third on, and stop before a burst gets through", async () => {
    const { world } = suite;
    const byGoal = { actorSource: "agent", actor: "jarvis", goalId: "make it faster" };
    const reasons: string[][] = [];
    let last: Run | undefined;
    for (let count = 1; count <= 4; count += 1) {
      last = await world.propose(suite.patch(), byGoal);
      reasons.push([...last.result.blockReasons]);
    }
    expect(reasons).toEqual([[], [], ["session-at-risk"], ["session-at-risk"]]);
    // A person may let it pass; a new attempt takes the place of the one that waits.
    const first = await newest();
    expect(first).toMatchObject({ state: "validated", needsApproval: true });
    const runId = last?.state.runId ?? "";
    expect((await world.attempt(runId, 2)).result.blockReasons).toEqual(["session-at-risk"]);
    const second = await newest();
    expect(await readProposal(world.db, first?.id ?? 0)).toMatchObject({ state: "cancelled" });
    const by = { kind: "user", name: "anna" } as const;
    const digest = second?.parametersDigest ?? "";
    const approval = await world.executor.approve(second?.id ?? 0, { by, digest });
    const approvalToken = approval.outcome === "approved" ? approval.token : "";
    await world.executor.execute(second?.id ?? 0, { approvalToken });
    expect((await readRun(world.db, runId))?.result.success).toBe(true);
    // Another goal is another origin, and a person's changes stand for themselves.
    const other = await world.propose(suite.patch(), { ...byGoal, goalId: "another" });
    expect(other.result.success).toBe(true);
  });

  it.each([
    [{ actorSource: "agent", goalId: "g", cycleId: "c" }, "goal:g"],
    [{ actorSource: "agent", goalId: null, cycleId: "c" }, "cycle:c"],
    [{ actorSource: "agent", goalId: null, cycleId: null }, "agent:jarvis"],
    [{ actorSource: "user", goalId: "g", cycleId: "c" }, "run:r:2:abc"],
  ] as const)("%o answers as %s", (facts, session) => {
    const context = { runId: "r", correlationId: "r", actor: "jarvis", ...facts };
    const none = { toolName: null, toolCallId: null, subGoalId: null };
    expect(promotionSession({ ...context, ...none }, { attempt: 2, stagedSha: "abc" })).toBe(
      session,
    );
  });
});

/** Does something behind the first answer to such a request of a promotion that is under way. */
function onceUnderWay(method: string, act: () => Promise<void>): () => void {
  let isDone = false;
  return onRequest(suite.world, async (call, send) => {
    const answer = await send();
    const isUnderWay = [...suite.world.flights.values()].some(({ flight }) => flight !== null);
    if (!isDone && isUnderWay && call.method === method) {
      isDone = true;
      await act();
    }
    return answer;
  });
}

/** As another kernel does where a lease has run out; waits until the executor has seen it. */
async function takenForDead({ id }: ActionExecutor): Promise<void> {
  const { db, safety } = suite.world;
  const other = new ActionExecutor({
    db,
    registry: new ActionRegistry(),
    policy: { rules: [], protectedPaths: [] },
    safety,
    sessions: new SessionRiskTracker(),
  });
  expect((await other.recover({ dead: [id] })).abandoned).toBe(1);
  other.close();
  await new Promise((resolve) => setTimeout(resolve, 500));
}

async function newest(): Promise<ActionProposal | undefined> {
  return (await listProposals(suite.world.db, { limit: 1 }))[0];
}

async function pause(paused: boolean): Promise<void> {
  await setPromotionControlState(suite.world.db, { paused, reason: "test", updatedBy: "anna" });
}
