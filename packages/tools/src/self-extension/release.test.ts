import { readSafetyState } from "@jarvis/operator-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allReleasesOf, anna, approve, releaseOf, settle } from "../testing/approval.ts";
import { makePromotionWorld, type PromotionWorld } from "../testing/promotion-world.ts";
import { evidence } from "./evidence.ts";
import { readLedgerBlob } from "./ledger-blob.ts";
import { findApproval } from "./release-action.ts";
import { decideReleaseStep } from "./release-runs.ts";
import type { Run } from "./runs.ts";

let suite: PromotionWorld;
let files = 0;

beforeAll(async () => {
  suite = await makePromotionWorld({ kernel: { paths: ["kernel/**"] } });
});

afterAll(async () => await suite.close());

/** A run that waits for a person. */
async function parked(path = `prompts/${(files += 1)}.md`) {
  const run = await suite.world.propose(suite.repository.patch({ [path]: "new\n" }));
  expect(run.state.status).toBe("parked");
  return { run, runId: run.state.runId };
}

describe("a change that needs a person", () => {
  it.each([
    ["kernel-closure", "kernel/main.js"],
    ["protected-path", "AGENTS.md"],
    ["evaluator-changed", "vitest.config.js"],
  ])("as %s is parked, approved, verified and promoted", async (reason, path) => {
    const { world } = suite;
    const before = world.mutations().length;
    const { run, runId } = await parked(path);
    const { action, parameters } = await releaseOf(world, runId);
    expect(run.result).toMatchObject({
      promotionBlocked: true,
      blockReasons: [reason],
      verificationOverallStatus: "not-run",
    });
    expect(run.result.error).toContain(`jarvis approve ${action.id}`);
    expect(action).toMatchObject({ state: "validated", needsApproval: true });
    expect(parameters).toMatchObject({
      runId,
      attempt: 1,
      reasons: [reason],
      findings: [{ reason, path }],
      addedPackages: [],
    });
    expect(await approve(world, runId)).toMatchObject({ outcome: "completed" });
    expect(world.mutations()).toHaveLength(before);
    const done = await settle(world, runId);
    expect(done.result).toMatchObject({ success: true, attempt: 2, treeSha: parameters.treeSha });
    const approval = {
      actionId: action.id,
      approvedBy: "anna",
      treeSha: parameters.treeSha,
      released: [reason],
    };
    const staged = done.events.filter(
      ({ type, stage }) => type === "proposed" && stage === "stage",
    );
    expect(staged.map(({ payload }) => payload)).toMatchObject([{ attempt: 2, approval }]);
    expect((await evidenceOf(done)).approval).toEqual(approval);
  });

  it("is not approved by who proposed it, nor by an agent", async () => {
    const { runId } = await parked();
    const operator = { kind: "user", name: "operator" } as const;
    expect(await approve(suite.world, runId, operator)).toMatchObject({ refusal: "self-approval" });
    const agent = { kind: "agent", name: "jarvis" } as const;
    expect(await approve(suite.world, runId, agent)).toMatchObject({ refusal: "agent-approval" });
    expect((await settle(suite.world, runId)).state.status).toBe("parked");
    // Asked for under another name, the same approval counts for nothing.
    const { parameters } = await releaseOf(suite.world, runId);
    const forged = await suite.world.executor.propose({
      actionName: "release_change",
      parameters,
      reason: "mine",
      requester: { kind: "user", name: "mallory" },
      agentId: null,
      sessionId: `release:${runId}`,
    });
    await suite.world.executor.validate(forged.id);
    const { parametersDigest: digest } = forged;
    const approval = await suite.world.executor.approve(forged.id, { by: operator, digest });
    const approvalToken = approval.outcome === "approved" ? approval.token : "";
    expect(await suite.world.executor.execute(forged.id, { approvalToken })).toMatchObject({
      outcome: "completed",
    });
    expect((await settle(suite.world, runId)).state).toMatchObject({
      status: "parked",
      attempt: 1,
    });
    const staged = await suite.world.attempt(runId, 2);
    expect(staged.state.status).toBe("parked");
    expect(staged.events.every(({ type }) => type !== "tested")).toBe(true);
  });

  it("needs a new approval for another tree: the base moved", async () => {
    const { world } = suite;
    const { runId } = await parked();
    const first = await releaseOf(world, runId);
    expect(await approve(world, runId)).toMatchObject({ outcome: "completed" });
    await suite.moveBase({ attested: true });
    const again = await settle(world, runId);
    expect(again.state).toMatchObject({ status: "parked", attempt: 2 });
    const second = await releaseOf(world, runId);
    expect(second.action.id).not.toBe(first.action.id);
    expect(second.parameters.treeSha).not.toBe(first.parameters.treeSha);
    expect(await approve(world, runId)).toMatchObject({ outcome: "completed" });
    expect((await settle(world, runId)).result).toMatchObject({ success: true, attempt: 3 });
  });

  it("supersedes what was asked before about another tree, approved or not", async () => {
    const { world } = suite;
    const { runId } = await parked();
    const first = await releaseOf(world, runId);
    await suite.moveBase({ attested: true });
    await world.attempt(runId, 2);
    const [second, before] = await allReleasesOf(world, runId);
    expect(before?.action).toMatchObject({ id: first.action.id, state: "cancelled" });
    expect(second?.action.state).toBe("validated");
    // Staging again on the same base asks no second time.
    await world.steps.stage(runId, 2);
    expect(await allReleasesOf(world, runId)).toHaveLength(2);
  });

  it("releases the reasons that were shown, and no other, of that tree, that base and that proposer", async () => {
    const { world } = suite;
    const { run, runId } = await parked();
    await approve(world, runId);
    const { attempt: _, ...facts } = (await releaseOf(world, runId)).parameters;
    const context = run.events[0]?.context;
    if (context === undefined) throw new Error("a run without events");
    const found = async (changed: Partial<typeof facts>, actor = "operator") =>
      (await findApproval(world.db, { ...context, actor }, { ...facts, ...changed })) !== null;
    expect(await found({})).toBe(true);
    expect(await found({ reasons: ["kernel-closure", "protected-path"] })).toBe(false);
    expect(await found({ treeSha: "e".repeat(40) })).toBe(false);
    expect(await found({ baseSha: "e".repeat(40) })).toBe(false);
    expect(await found({ runId: "another" })).toBe(false);
    const added = [{ name: "x", version: "1.0.0", integrity: "sha512-AAAA" }];
    expect(await found({ addedPackages: added })).toBe(false);
    expect(await found({}, "anna")).toBe(false);
    // A row that was changed afterwards is not what the audit log says was approved.
    const admin = world.database.openAdmin();
    const id = (await releaseOf(world, runId)).action.id;
    const forged = { ...facts, attempt: 1, treeSha: "e".repeat(40) };
    await admin`update action_proposals set parameters = ${admin.json(forged)} where id = ${id}`;
    await admin.end();
    expect(await found({ treeSha: "e".repeat(40) })).toBe(false);
  });

  it("ends where a person rejects it", async () => {
    const { world } = suite;
    const { runId } = await parked();
    const { action } = await releaseOf(world, runId);
    await world.executor.reject(action.id, { by: anna, reason: "not like this" });
    const ended = await settle(world, runId);
    expect(ended.result).toMatchObject({
      status: "blocked",
      blockReasons: ["protected-path"],
      error: "The change was rejected by anna: not like this",
    });
    expect((await settle(world, runId)).events).toHaveLength(ended.events.length);
  });

  it("is asked for again where the approval was not used in time", async () => {
    const { world } = suite;
    const { runId } = await parked();
    const { action } = await releaseOf(world, runId);
    await world.executor.approve(action.id, { by: anna, digest: action.parametersDigest });
    await world.database
      .sql`update action_proposals set approval_expires_at = now() - interval '1 s' where id = ${action.id}`;
    await world.executor.recover();
    expect((await settle(world, runId)).state.status).toBe("parked");
    const again = await releaseOf(world, runId);
    expect(again.action).toMatchObject({ state: "validated" });
    expect(again.action.id).not.toBe(action.id);
    expect(again.parameters).toEqual((await allReleasesOf(world, runId))[1]?.parameters);
    await approve(world, runId);
    expect((await settle(world, runId)).result.success).toBe(true);
  });

  it("cannot be approved in observe; nothing is lost", async () => {
    const { world } = suite;
    await world.safety.setMode("observe", { reason: "look first", actor: "anna" });
    const { runId } = await parked();
    const { action } = await releaseOf(world, runId);
    const { parametersDigest: digest } = action;
    const approval = await world.executor.approve(action.id, { by: anna, digest });
    const approvalToken = approval.outcome === "approved" ? approval.token : "";
    const execute = async () => await world.executor.execute(action.id, { approvalToken });
    await expect(execute()).rejects.toMatchObject({ code: "observe-only" });
    expect((await settle(world, runId)).state).toMatchObject({ status: "parked", attempt: 1 });
    await world.safety.setMode("execute", { reason: "go on", actor: "anna" });
    expect(await execute()).toMatchObject({ outcome: "completed" });
    expect((await settle(world, runId)).result.success).toBe(true);
  });

  it("is cancelled by the kill switch, counted, and asked for again in execute", async () => {
    const { world } = suite;
    const { runId } = await parked();
    const { action } = await releaseOf(world, runId);
    const pending = (
      await world.database
        .sql`select id from action_proposals where state in ('proposed', 'validated', 'approved')`
    ).length;
    expect(pending).toBeGreaterThan(0);
    expect(await world.safety.killSwitch({ reason: "stop", actor: "anna" })).toBe(pending);
    expect((await releaseOf(world, runId)).action).toMatchObject({
      id: action.id,
      state: "cancelled",
    });
    await settle(world, runId);
    expect((await releaseOf(world, runId)).action.id).toBe(action.id);
    await world.safety.setMode("execute", { reason: "go on", actor: "anna" });
    expect((await readSafetyState(world.db)).mode).toBe("execute");
    await settle(world, runId);
    expect((await releaseOf(world, runId)).action.state).toBe("validated");
    await approve(world, runId);
    expect((await settle(world, runId)).result.success).toBe(true);
  });

  it("does not go on by an approval that came too late for the run", async () => {
    const { world } = suite;
    const { runId } = await parked();
    const { action } = await releaseOf(world, runId);
    await suite.moveBase({ attested: true });
    await world.attempt(runId, 2);
    const { parametersDigest: digest } = action;
    const approval = await world.executor.approve(action.id, { by: anna, digest });
    expect(approval).toMatchObject({ outcome: "refused", refusal: "not-approvable" });
  });
});

describe("the step of a run that waits for a person", () => {
  it.each([
    ["proposed", "wait", "wait"],
    ["validated", "wait", "wait"],
    ["approved", "wait", "wait"],
    ["executing", "wait", "wait"],
    ["completed", "go-on", "go-on"],
    ["rejected", "end", "end"],
    ["expired", "ask-again", "ask-again"],
    ["failed", "ask-again", "ask-again"],
    ["cancelled", "ask-again", "wait"],
  ] as const)("after its action is %s: %s in execute, %s in observe", (state, execute, observe) => {
    const release = { action: { state } } as Parameters<typeof decideReleaseStep>[0];
    expect(decideReleaseStep(release, "execute")).toBe(execute);
    expect(decideReleaseStep(release, "observe")).toBe(observe);
  });
});

async function evidenceOf(run: Run) {
  const bytes = await readLedgerBlob(suite.world.db, run.state.evidenceDigest ?? "");
  return evidence.parse(JSON.parse(bytes?.toString("utf8") ?? "null"));
}
