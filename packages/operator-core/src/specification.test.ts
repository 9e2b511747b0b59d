import { createTestDatabase } from "@jarvis/db/testing";
import type { TestDatabase } from "@jarvis/db/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ActionAuditor,
  AuditEvent,
  EffectClass,
  ObserveOnlyError,
  SafetyController,
  SafetyMode,
} from "./index.ts";
import {
  actionWorld,
  ada,
  anAction,
  aRequest,
  eventually,
  operator,
  untilStopped,
  validated,
} from "./testing/action-world.ts";
import type { ActionWorld } from "./testing/action-world.ts";

/*
 * What the action foundation was specified to do: its verification scripts, its criteria of success
 * and its truths, one by one. Requests carry a reason and an actor, and reads are promises, because
 * the state is in a database that others share.
 */

const sentence = "Action execution blocked: observe-only mode is active";

describe("the verification scripts", () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase();
  });

  afterEach(() => database.close());

  it("audit table OK", async () => {
    const [row] = await database.sql`select to_regclass('public.action_audit_log')::text as name`;
    expect(row?.["name"]).toBe("action_audit_log");
  });

  it("audit test passed", async () => {
    const auditor = new ActionAuditor(database.db);
    await auditor.logEvent({
      proposalId: 1,
      eventType: "proposed",
      eventData: { actionName: "test" },
      actor: "agent",
      timestamp: new Date().toISOString(),
    });
    const events = await auditor.getEvents({ proposalId: 1 });
    expect(events).toHaveLength(1);
    expect(events[0]?.eventType).toBe("proposed");
  });

  it("safety tests passed", async () => {
    const controller = new SafetyController(database.db);

    // Default is observe-only.
    expect(controller.isObserveOnly).toBe(true);
    expect(controller.canExecute).toBe(false);

    // The check throws in observe mode.
    const refusal = controller.checkCanExecute();
    await expect(refusal).rejects.toThrow(ObserveOnlyError);
    await expect(refusal).rejects.toThrow(sentence);

    await controller.setMode(SafetyMode.enum.execute, operator);
    expect(controller.canExecute).toBe(true);

    const cancelled = await controller.killSwitch(operator);
    expect(controller.isObserveOnly).toBe(true);
    expect(cancelled).toBe(0);
  });
});

describe("the criteria of success", () => {
  let world: ActionWorld;

  beforeEach(async () => {
    const everyEffect = EffectClass.options.map((effect) => anAction({ name: effect, effect }));
    const waiting = anAction({ name: "wait", run: (_, context) => untilStopped(context) });
    world = await actionWorld([...everyEffect, waiting]);
  });

  afterEach(() => world.close());

  it("action_audit_log table with indexes", async () => {
    const rows = await world.database.sql`
      select indexname as name from pg_indexes
      where tablename = 'action_audit_log' and indexname like 'idx%' order by 1`;
    expect(rows.map(({ name }) => String(name))).toEqual([
      "idx_audit_proposal",
      "idx_audit_timestamp",
      "idx_audit_type",
    ]);
  });

  it("AuditEvent model", () => {
    const event = { eventType: "kill_switch", actor: "system", timestamp: "2026-01-01T00:00:00Z" };
    expect(AuditEvent.parse(event)).toEqual({
      id: null,
      proposalId: null,
      eventData: null,
      createdAt: null,
      ...event,
    });
    expect(AuditEvent.safeParse({ ...event, eventType: "other" }).success).toBe(false);
  });

  it("ActionAuditor with logEvent and query methods: events can be queried by proposal and type", async () => {
    const { id } = await validated(world.executor, { actionName: "read" });
    const byProposal = await world.auditor.getEvents({ proposalId: id });
    expect(byProposal.map(({ eventType }) => eventType)).toEqual(["proposed", "validated"]);
    const byType = await world.auditor.getEvents({ eventType: "validated" });
    expect(byType.map(({ proposalId }) => proposalId)).toEqual([id]);
  });

  it("helper methods for common audit patterns", async () => {
    const proposal = await world.executor.propose(aRequest({ actionName: "read" }));
    const { auditor } = world;
    const recorded = [
      await auditor.logProposalCreated(proposal),
      await auditor.logExecutionStarted(proposal.id),
      await auditor.logExecutionCompleted(proposal.id, { success: true }),
      await auditor.logExecutionCompleted(proposal.id, { success: false, error: "timeout" }),
      await auditor.logCancelled(proposal.id, "no longer needed"),
      await auditor.logKillSwitch(3),
      await auditor.logModeChange("execute", "observe"),
    ];
    expect(recorded.map(({ eventType, proposalId }) => [eventType, proposalId])).toEqual([
      ["proposed", proposal.id],
      ["executing", proposal.id],
      ["completed", proposal.id],
      ["failed", proposal.id],
      ["cancelled", proposal.id],
      ["kill_switch", null],
      ["mode_change", null],
    ]);
  });

  it("SafetyMode with observe and execute", () => {
    expect(SafetyMode.options).toEqual(["observe", "execute"]);
  });

  it("SafetyController with mode management: defaults to observe-only, and says what it is in", async () => {
    const controller = new SafetyController(world.db);
    expect(controller.mode).toBe("observe");
    await controller.setMode("execute", operator);
    expect(controller.mode).toBe("execute");
    await controller.setMode("observe", operator);
    expect(controller.mode).toBe("observe");
  });

  it("kill switch cancels all pending proposals, switches the mode to observe and logs the event", async () => {
    const { executor, safety } = world;
    const waiting = await executor.propose(aRequest({ actionName: "network" }));
    const ready = await validated(executor, { actionName: "network" });
    const shown = await validated(executor, { actionName: "process" });
    await executor.approve(shown.id, { by: ada, digest: shown.parametersDigest });
    expect(await safety.killSwitch(operator)).toBe(3);
    expect(safety.mode).toBe("observe");
    const cancelled = await world.auditor.getEvents({ eventType: "cancelled" });
    expect(cancelled.map(({ proposalId }) => proposalId)).toEqual([waiting.id, ready.id, shown.id]);
    const [killed] = await world.auditor.getEvents({ eventType: "kill_switch" });
    expect(killed?.eventData).toMatchObject({ cancelledCount: 3 });
  });

  it("ObserveOnlyError says what is blocked and how to enable it", async () => {
    await world.safety.setMode("observe", operator);
    await expect(world.safety.checkCanExecute()).rejects.toThrow(
      `${sentence}. Enable it with: jarvis mode execute --reason "..."`,
    );
  });

  it("mode changes are logged to the audit log", async () => {
    await world.safety.setMode("observe", operator);
    const changes = await world.auditor.getEvents({ eventType: "mode_change" });
    expect(
      changes.map(({ eventData }) => [eventData?.["oldMode"], eventData?.["newMode"]]),
    ).toEqual([
      ["observe", "execute"],
      ["execute", "observe"],
    ]);
  });

  it("truth: the kill switch halts all pending actions immediately, and what runs", async () => {
    const { executor, safety, auditor } = world;
    const begun = await validated(executor, { actionName: "wait" });
    const ended = executor.execute(begun.id, { approvalToken: undefined });
    await eventually(
      async () => (await auditor.getEvents({ eventType: "executing" })).length === 1,
    );
    const pending = await validated(executor, { actionName: "network" });
    expect(await safety.killSwitch(operator)).toBe(2);
    const late = executor.execute(pending.id, { approvalToken: undefined });
    await expect(late).rejects.toThrow(ObserveOnlyError);
    expect(await ended).toMatchObject({ outcome: "cancelled" });
  });

  it.each(EffectClass.options.filter((effect) => effect !== "read"))(
    "truth: observe-only mode prevents the execution of any action (%s)",
    async (actionName) => {
      const { executor, safety, auditor } = world;
      await safety.setMode("observe", operator);
      const { id } = await validated(executor, { actionName });
      const refused = executor.execute(id, { approvalToken: undefined });
      await expect(refused).rejects.toThrow(ObserveOnlyError);
      expect(await auditor.getEvents({ proposalId: id, eventType: "executing" })).toEqual([]);
    },
  );

  it("truth: reading is no execution, it is what observing consists of", async () => {
    const { executor, safety } = world;
    await safety.setMode("observe", operator);
    const { id } = await validated(executor, { actionName: "read" });
    const read = await executor.execute(id, { approvalToken: undefined });
    expect(read.outcome).toBe("completed");
  });

  it("truth: all action lifecycle events are recorded in the audit log", async () => {
    const { executor, auditor } = world;
    const { id, parametersDigest: digest } = await validated(executor, { actionName: "network" });
    const approval = await executor.approve(id, { by: ada, digest });
    if (approval.outcome !== "approved") throw new Error(approval.detail);
    await executor.execute(id, { approvalToken: approval.token });
    const events = await auditor.getEvents({ proposalId: id });
    expect(events.map(({ eventType, actor }) => `${eventType} by ${actor}`)).toEqual([
      "proposed by agent",
      "validated by system",
      "approved by user",
      "executing by agent",
      "completed by agent",
    ]);
  });
});
