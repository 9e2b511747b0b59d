import { actionProposals, compareAndSetAgentState, readAgentState } from "@jarvis/db";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ObserveOnlyError } from "../errors.ts";
import { SafetyState } from "../safety-state.ts";
import {
  actionWorld,
  ada,
  anAction,
  aRequest,
  eventually,
  operator,
  untilStopped,
  validated,
} from "../testing/action-world.ts";
import type { ActionWorld } from "../testing/action-world.ts";
import { ActionExecutor } from "./action-executor.ts";
import type { ActionExecutorWorld } from "./action-executor.ts";
import type { ActionPolicy } from "./action-policy.ts";
import { ActionRegistry } from "./action-registry.ts";
import { ActionAuditor } from "./auditor.ts";
import { moveProposal, readProposalRow } from "./proposal-store.ts";
import { SessionRiskTracker } from "./session-risk.ts";

const policy: ActionPolicy = {
  rules: [
    { action: "*", decision: "allow", reason: "a test" },
    { action: "forbidden", decision: "deny", reason: "nobody may" },
    { action: "asked", decision: "ask", reason: "a person decides" },
  ],
  protectedPaths: ["gates"],
};
const unbounded = { approvalToken: undefined };

let world: ActionWorld;
let executor: ActionExecutor;
let started: number[];

beforeAll(async () => {
  const record = async (_: unknown, { proposalId }: { proposalId: number }) => {
    started.push(proposalId);
    return { written: true };
  };
  world = await actionWorld(
    [
      anAction({ run: record }),
      anAction({ name: "guarded", needsApproval: true, run: record }),
      anAction({ name: "forbidden", run: record }),
      anAction({ name: "asked", run: record }),
      anAction({ name: "look", effect: "read", run: record }),
      anAction({
        name: "edit",
        parameters: z.object({ path: z.string(), mode: z.enum(["a", "b"]), n: z.int().positive() }),
        paths: (parameters) => [(parameters as { path: string }).path],
        run: record,
      }),
      anAction({ name: "wait", run: (_, context) => untilStopped(context) }),
      anAction({ name: "break", run: () => Promise.reject(new Error("no route to host")) }),
      anAction({ name: "deaf", timeoutMs: 50, run: () => new Promise(() => {}) }),
    ],
    { policy, limits: { graceMs: 50 } },
  );
  ({ executor } = world);
});

beforeEach(async () => {
  started = [];
  await world.safety.setMode("execute", operator);
});

afterAll(() => world.close());

describe("a proposal", () => {
  it("is recorded with who asked, why and what it would do, in any mode", async () => {
    await world.safety.setMode("observe", operator);
    const proposal = await executor.propose(aRequest({ actionName: "guarded" }));
    expect(proposal).toMatchObject({
      state: "proposed",
      version: 1,
      actionName: "guarded",
      parameters: { text: "a note" },
      reason: "a test",
      effect: "write-workspace",
      risk: "low",
      needsApproval: true,
      requesterKind: "agent",
      requestedBy: "jarvis",
      agentId: "agent-1",
      sessionId: "session-1",
    });
    expect(proposal.parametersDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const [event] = await eventsOf(proposal.id);
    expect(event).toMatchObject({ eventType: "proposed", actor: "agent" });
    expect(event?.eventData).toMatchObject({
      actionName: "guarded",
      parameters: { text: "a note" },
    });
  });

  it("has the same digest whatever the order of its parameters, and another for other ones", async () => {
    const digest = async (parameters: Record<string, unknown>) =>
      (await executor.propose(aRequest({ parameters }))).parametersDigest;
    const one = await digest({ text: "x", deep: { a: 1, b: [1, 2] } });
    expect(await digest({ deep: { b: [1, 2], a: 1 }, text: "x" })).toBe(one);
    expect(await digest({ deep: { b: [2, 1], a: 1 }, text: "x" })).not.toBe(one);
  });

  it("keeps a secret for the execution and out of the ledger", async () => {
    const token = ["gh", "p_", "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY5zA7"].join("");
    const request = aRequest({ parameters: { text: token }, reason: `with ${token}` });
    const proposal = await executor.propose(request);
    expect(proposal.parameters).toEqual({ text: token });
    expect(proposal.reason).toBe("with [redacted:github-token]");
    expect(JSON.stringify(await eventsOf(proposal.id))).not.toContain(token);
  });

  it("is emptied of secrets once it has ended, however it ends, and keeps its digest", async () => {
    const token = ["gh", "p_", "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY5zA7"].join("");
    const parameters = { text: `with ${token}` };
    const completed = await validated(executor, { parameters });
    const rejected = await validated(executor, { parameters });
    const killed = await validated(executor, { parameters });
    expect(await executor.execute(completed.id, unbounded)).toMatchObject({ outcome: "completed" });
    await executor.reject(rejected.id, { by: ada, reason: "no" });
    await world.safety.killSwitch(operator);
    for (const { id, parametersDigest } of [completed, rejected, killed]) {
      const row = await readProposalRow(world.db, id);
      expect(row.parameters).toEqual({ text: "with [redacted:github-token]" });
      expect(row.parametersDigest).toBe(parametersDigest);
    }
  });

  it.each([
    ["hold what the database cannot keep", { text: "a\0b" }, "hold NUL or half a character"],
    ["hold half a character", { "k\ud800": 1 }, "hold NUL or half a character"],
    ["are too long", { text: "x".repeat(262_144) }, "expected at most 262144"],
    ["are no JSON", { big: 1n }, "have to be JSON"],
  ])("is refused when its parameters %s", async (_, parameters, sentence) => {
    await expect(executor.propose(aRequest({ parameters }))).rejects.toMatchObject({
      code: "malformed-proposal",
      message: expect.stringContaining(sentence),
    });
  });

  it("may speak of NUL in words", async () => {
    const parameters = { text: String.raw`\u0000 and \\ud800` };
    expect((await executor.propose(aRequest({ parameters }))).parameters).toEqual(parameters);
  });
});

describe("validation", () => {
  it("says everything that is wrong at once, and rejects", async () => {
    const parameters = { path: "gates/../../etc", mode: "c", n: -1 };
    const { id } = await executor.propose(aRequest({ actionName: "edit", parameters }));
    const outcome = await executor.validate(id);
    if (outcome.outcome !== "invalid") throw new Error(outcome.outcome);
    expect(outcome.errors.map(({ path }) => path)).toEqual(["parameters.mode", "parameters.n"]);
    expect(outcome.proposal.state).toBe("rejected");
    expect((await eventsOf(id)).map((event) => event.eventType)).toEqual(["proposed", "rejected"]);
  });

  it.each([
    ["an action that nobody registered", "no-such", 'no action "no-such" is registered'],
    ["what the policy denies", "forbidden", "nobody may"],
  ])("rejects %s", async (_, actionName, message) => {
    const { id } = await executor.propose(aRequest({ actionName }));
    expect(await executor.validate(id)).toMatchObject({
      outcome: "invalid",
      errors: [{ message }],
    });
  });

  it.each([
    ["the definition", "guarded", {}],
    ["the policy", "asked", {}],
    ["a protected path", "edit", { path: "gates/verify.ts", mode: "a", n: 1 }],
  ])("asks for an approval where %s does", async (_, actionName, parameters) => {
    const request = { actionName, parameters: { text: "a note", ...parameters } };
    expect((await validated(executor, request)).needsApproval).toBe(true);
  });

  it("happens once", async () => {
    const { id } = await validated(executor);
    expect((await executor.validate(id)).outcome).toBe("conflict");
  });

  it("says which proposal there is not", async () => {
    await expect(executor.validate(999_999)).rejects.toMatchObject({ code: "unknown-proposal" });
  });
});

describe("an approval", () => {
  it("lets exactly one execution pass, by its token", async () => {
    const { id, token } = await approved();
    const begin = async () => await executor.execute(id, { approvalToken: token });
    const both = await Promise.all([begin(), begin()]);
    expect(both.map(({ outcome }) => outcome).toSorted()).toEqual(["completed", "refused"]);
    expect(await begin()).toMatchObject({ outcome: "refused", refusal: "not-executable" });
    expect(started).toEqual([id]);
  });

  it.each([
    ["no token", undefined],
    ["another token", "x".repeat(43)],
    ["an empty token", ""],
  ])("does not pass with %s", async (_, approvalToken) => {
    const { id } = await approved();
    expect(await executor.execute(id, { approvalToken })).toMatchObject({
      outcome: "refused",
      refusal: "approval-invalid",
    });
    expect(started).toEqual([]);
  });

  it("is needed where it was asked for", async () => {
    const { id } = await validated(executor, { actionName: "guarded" });
    expect(await executor.execute(id, unbounded)).toMatchObject({
      outcome: "refused",
      refusal: "approval-needed",
    });
  });

  it("lives for a minute, by the clock of the database", async () => {
    const { proposal } = await approved();
    const lifeMs = Date.parse(proposal.approvalExpiresAt ?? "") - Date.parse(proposal.updatedAt);
    expect(Math.round(lifeMs / 1000)).toBe(60);
  });

  it("that is over expires the proposal", async () => {
    const short = anotherExecutor({ limits: { approvalLifeMs: 1 } });
    const { id, token } = await approved(short);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await executor.execute(id, { approvalToken: token })).toMatchObject({
      outcome: "refused",
      refusal: "approval-expired",
    });
    expect(await typesOf(id)).toEqual(["proposed", "validated", "approved", "expired"]);
    const unused = await approved(short);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await executor.recover()).expired).toBe(1);
    expect(await typesOf(unused.id)).toContain("expired");
    expect(started).toEqual([]);
  });

  it("is of what was shown, not of the number", async () => {
    const { id } = await validated(executor, { actionName: "guarded" });
    const answer = await executor.approve(id, { by: ada, digest: `sha256:${"0".repeat(64)}` });
    expect(answer).toMatchObject({ outcome: "refused", refusal: "changed" });
  });

  it("does not cover a proposal that was changed afterwards, past every trigger", async () => {
    const { id, token } = await approved();
    const admin = world.database.openAdmin();
    await admin`set session_replication_role = replica`;
    await admin`update action_proposals set parameters = '{"text":"forged"}' where id = ${id}`;
    await admin.end();
    expect(await executor.execute(id, { approvalToken: token })).toMatchObject({
      outcome: "refused",
      refusal: "changed",
    });
    expect(started).toEqual([]);
  });

  it.each([
    ["who asked for it", { kind: "user", name: "jarvis" }, "self-approval"],
    ["an agent", { kind: "agent", name: "other" }, "agent-approval"],
  ] as const)("is not given by %s", async (_, by, refusal) => {
    const { id, parametersDigest: digest } = await validated(executor, { actionName: "guarded" });
    expect(await executor.approve(id, { by, digest })).toMatchObject({ refusal });
  });

  it("is not stored in a form that approves", async () => {
    const { id, token } = await approved();
    expect(JSON.stringify(await readProposalRow(world.db, id))).not.toContain(token);
    expect(JSON.stringify(await eventsOf(id))).not.toContain(token);
  });
});

describe("an execution", () => {
  it("leaves the whole story in the ledger", async () => {
    const { id } = await validated(executor);
    const outcome = await executor.execute(id, unbounded);
    expect(outcome).toMatchObject({
      outcome: "completed",
      result: { written: true },
      attempts: 1,
    });
    const events = await eventsOf(id);
    expect(events.map((event) => event.eventType)).toEqual([
      "proposed",
      "validated",
      "executing",
      "completed",
    ]);
    expect(events.at(-1)?.eventData).toMatchObject({
      durationMs: expect.any(Number),
      result: { written: true },
    });
    expect(await readProposalRow(world.db, id)).toMatchObject({ state: "completed", version: 4 });
  });

  it("that fails says why, in the answer, the row and the ledger", async () => {
    const { id } = await validated(executor, { actionName: "break" });
    expect(await executor.execute(id, unbounded)).toMatchObject({
      outcome: "failed",
      error: "no route to host",
    });
    expect((await readProposalRow(world.db, id)).endReason).toBe("no route to host");
    const last = (await eventsOf(id)).at(-1);
    expect(last).toMatchObject({ eventType: "failed", eventData: { error: "no route to host" } });
  });

  it("that does not listen to its timeout is recorded as not settled", async () => {
    const { id } = await validated(executor, { actionName: "deaf" });
    expect((await executor.execute(id, unbounded)).outcome).toBe("failed");
    expect((await eventsOf(id)).at(-1)?.eventData).toMatchObject({ settled: false });
  });

  it("does not begin from a state that was skipped", async () => {
    const { id } = await executor.propose(aRequest());
    expect(await executor.execute(id, unbounded)).toMatchObject({
      outcome: "refused",
      refusal: "not-executable",
    });
  });

  it("does not begin in observe mode, where what was pending is cancelled", async () => {
    const { id } = await validated(executor);
    await world.safety.setMode("observe", operator);
    await expect(executor.execute(id, unbounded)).rejects.toThrow(ObserveOnlyError);
    expect(await typesOf(id)).toEqual(["proposed", "validated", "cancelled"]);
    expect(started).toEqual([]);
  });

  it("looks again after it claimed: a mode that changed between does not let it begin", async () => {
    class Meanwhile extends SessionRiskTracker {
      override async judge(...given: Parameters<SessionRiskTracker["judge"]>) {
        const verdict = await super.judge(...given);
        // As a release would that knows nothing of proposals.
        const row = await readAgentState(world.db, "system:safety");
        const value = { ...SafetyState.parse(row?.value), mode: "observe" };
        const expectedVersion = row?.version ?? null;
        await compareAndSetAgentState(world.db, "system:safety", { expectedVersion, value });
        return verdict;
      }
    }
    const { id } = await validated(executor);
    const unlucky = anotherExecutor({ sessions: new Meanwhile() });
    expect(await unlucky.execute(id, unbounded)).toMatchObject({
      outcome: "cancelled",
      reason: expect.stringContaining("observe-only mode is active"),
      attempts: 0,
    });
    expect(await typesOf(id)).toEqual(["proposed", "validated", "executing", "cancelled"]);
    expect(started).toEqual([]);
  });

  it("may read in observe mode, and not after a kill switch", async () => {
    await world.safety.setMode("observe", operator);
    const { id } = await validated(executor, { actionName: "look" });
    expect((await executor.execute(id, unbounded)).outcome).toBe("completed");
    await world.safety.killSwitch(operator);
    const late = await validated(executor, { actionName: "look" });
    await expect(executor.execute(late.id, unbounded)).rejects.toThrow(ObserveOnlyError);
  });

  it("is judged by what is registered and allowed now, not when it was validated", async () => {
    const { id } = await validated(executor);
    const strict = anotherExecutor({ policy: { rules: [], protectedPaths: [] } });
    const refused = { outcome: "refused" };
    expect(await strict.execute(id, unbounded)).toMatchObject({ ...refused, refusal: "denied" });
    const without = anotherExecutor({ registry: new ActionRegistry() });
    expect(await without.execute(id, unbounded)).toMatchObject({
      ...refused,
      refusal: "unknown-action",
    });
    const other = anAction({ effect: "irreversible" });
    const renewed = anotherExecutor({ registry: new ActionRegistry().register(other) });
    expect(await renewed.execute(id, unbounded)).toMatchObject({
      ...refused,
      refusal: "definition-changed",
    });
  });

  it("holds nothing while it runs: others begin and end beside it", async () => {
    const slow = await validated(executor, { actionName: "wait" });
    const running = executor.execute(slow.id, unbounded);
    await eventually(async () => (await stateOf(slow.id)) === "executing");
    const quick = await validated(executor);
    expect((await executor.execute(quick.id, unbounded)).outcome).toBe("completed");
    await executor.cancel(slow.id, { by: ada, reason: "enough" });
    expect(await running).toMatchObject({ outcome: "cancelled", reason: "enough" });
  });

  it("is stopped by a cancellation from another executor", async () => {
    const { id } = await validated(executor, { actionName: "wait" });
    const running = executor.execute(id, unbounded);
    await eventually(async () => (await stateOf(id)) === "executing");
    const other = anotherExecutor({});
    const asked = await other.cancel(id, { by: ada, reason: "by hand" });
    expect(asked).toEqual({ outcome: "stopping" });
    expect(await running).toMatchObject({ outcome: "cancelled", reason: "by hand" });
  });
});

describe("after a crash", () => {
  it("closes what a dead executor began, and says so", async () => {
    const id = await abandonedBy("executor-that-died");
    expect((await executor.recover()).abandoned).toBe(0);
    expect((await executor.recover({ dead: ["executor-that-died"] })).abandoned).toBe(1);
    expect(await readProposalRow(world.db, id)).toMatchObject({
      state: "failed",
      endReason: "its executor executor-that-died stopped answering",
    });
    expect(await typesOf(id)).toEqual(["proposed", "validated", "executing", "failed"]);
    expect((await executor.recover()).abandoned).toBe(0);
  });

  it("believes an executor to be dead once its lease has run out, and no living one", async () => {
    const id = await abandonedBy("executor-that-died-too");
    const living = await validated(executor, { actionName: "wait" });
    const running = executor.execute(living.id, unbounded);
    await eventually(async () => (await stateOf(living.id)) === "executing");
    await world.db
      .update(actionProposals)
      .set({ leaseExpiresAt: new Date(0) })
      .where(eq(actionProposals.id, id));
    expect((await executor.recover()).abandoned).toBe(1);
    expect([await stateOf(id), await stateOf(living.id)]).toEqual(["failed", "executing"]);
    await executor.cancel(living.id, { by: ada, reason: "enough" });
    await running;
  });

  it("does not believe itself to be dead where it stood still for longer than its lease", async () => {
    const { id } = await validated(executor, { actionName: "wait" });
    const running = executor.execute(id, unbounded);
    await eventually(async () => (await stateOf(id)) === "executing");
    await world.db
      .update(actionProposals)
      .set({ leaseExpiresAt: new Date(0) })
      .where(eq(actionProposals.id, id));
    expect((await executor.recover()).abandoned).toBe(0);
    expect(await stateOf(id)).toBe("executing");
    await executor.cancel(id, { by: ada, reason: "enough" });
    await running;
  });

  it("stops an action that others took for dead, and leaves the last word to them", async () => {
    const { id } = await validated(executor, { actionName: "wait" });
    const running = executor.execute(id, unbounded);
    await eventually(async () => (await stateOf(id)) === "executing");
    await anotherExecutor({}).recover({ dead: [executor.id] });
    expect(await running).toMatchObject({
      outcome: "failed",
      error: expect.stringContaining("others closed"),
    });
    expect(await typesOf(id)).toEqual(["proposed", "validated", "executing", "failed"]);
  });
});

it("rejects by a person, once", async () => {
  const { id } = await validated(executor);
  const rejection = { by: ada, reason: "not now" };
  expect(await executor.reject(id, rejection)).toEqual({ outcome: "rejected" });
  expect(await executor.reject(id, rejection)).toEqual({ outcome: "lost-race" });
  expect((await executor.cancel(id, rejection)).outcome).toBe("ended");
  expect((await eventsOf(id)).at(-1)?.eventData).toEqual({ by: "ada", reason: "not now" });
});

it("does not compile to run an action without the executor", () => {
  const action = anAction();
  const signal = new AbortController().signal;
  const context = { proposalId: 1, attempt: 1, signal };
  // @ts-expect-error a permit is missing
  const withoutPermit = () => action.run({ text: "" }, context);
  // @ts-expect-error and cannot be made up
  const forged = () => action.run({ text: "" }, { ...context, permit: { proposalId: 1 } });
  expect([withoutPermit, forged]).toHaveLength(2);
});

async function approved(by = executor) {
  const { id, parametersDigest } = await validated(by, { actionName: "guarded" });
  const answer = await by.approve(id, { by: ada, digest: parametersDigest });
  if (answer.outcome !== "approved") throw new Error(answer.detail);
  return { id, token: answer.token, proposal: answer.proposal };
}

/** A proposal whose executor began it and was never heard of again. */
async function abandonedBy(executorId: string): Promise<number> {
  const { id } = await validated(executor);
  await world.db.transaction(async (tx) => {
    const leaseExpiresAt = new Date(Date.now() + 60_000);
    const row = await readProposalRow(tx, id);
    await moveProposal(tx, row, "executing", { executorId, leaseExpiresAt });
    await new ActionAuditor(tx).logExecutionStarted(id);
  });
  return id;
}

function anotherExecutor(overrides: Partial<ActionExecutorWorld>): ActionExecutor {
  const { db, registry, safety } = world;
  const sessions = new SessionRiskTracker();
  return new ActionExecutor({ db, registry, policy, safety, sessions, ...overrides });
}

async function eventsOf(proposalId: number) {
  return await world.auditor.getEvents({ proposalId });
}

async function typesOf(proposalId: number): Promise<string[]> {
  return (await eventsOf(proposalId)).map((event) => event.eventType);
}

async function stateOf(id: number): Promise<string> {
  return (await readProposalRow(world.db, id)).state;
}
