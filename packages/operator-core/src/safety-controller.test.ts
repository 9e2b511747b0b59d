import { spawn } from "node:child_process";
import type { JarvisDatabase } from "@jarvis/db";
import { compareAndSetAgentState, readAgentState } from "@jarvis/db";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ActionExecutor } from "./actions/action-executor.ts";
import type { ActionExecutorWorld } from "./actions/action-executor.ts";
import { listProposals, readProposalRow } from "./actions/proposal-store.ts";
import { SessionRiskTracker } from "./actions/session-risk.ts";
import { ObserveOnlyError } from "./errors.ts";
import { killSwitch } from "./kill-switch.ts";
import { SafetyController } from "./safety-controller.ts";
import { setSafetyMode } from "./safety-state.ts";
import {
  actionWorld,
  allowAll,
  anAction,
  aRequest,
  eventually,
  operator,
  untilStopped,
  validated,
} from "./testing/action-world.ts";
import type { ActionWorld } from "./testing/action-world.ts";

const unbounded = { approvalToken: undefined };

let world: ActionWorld;
let db: JarvisDatabase;
let safety: SafetyController;
let executor: ActionExecutor;

/** The actions whose work has begun, which is after their state says so. */
const begun = new Set<string>();

beforeEach(async () => {
  begun.clear();
  world = await actionWorld(
    [
      anAction(),
      anAction({
        name: "wait",
        run: async (_, context) => {
          begun.add("wait");
          await untilStopped(context);
        },
      }),
      anAction({
        name: "deaf",
        run: async () => {
          begun.add("deaf");
          await new Promise(() => {});
        },
      }),
      anAction({
        name: "child",
        run: async (_, context) => {
          begun.add("child");
          const child = spawn("sleep", ["600"], { signal: context.signal });
          await new Promise((_resolve, reject) => child.once("error", reject));
        },
      }),
    ],
    { limits: { graceMs: 100 } },
  );
  ({ db, safety, executor } = world);
});

afterEach(() => world.close());

describe("what is displayed", () => {
  it("is observe before the first look, whatever the row says", async () => {
    const fresh = new SafetyController(db);
    expect([fresh.mode, fresh.isObserveOnly, fresh.canExecute]).toEqual(["observe", true, false]);
    await fresh.refresh();
    expect([fresh.mode, fresh.isObserveOnly, fresh.canExecute]).toEqual(["execute", false, true]);
  });

  it("is no permission: a check reads the row", async () => {
    const fresh = new SafetyController(db);
    await expect(fresh.checkCanExecute()).resolves.toBeUndefined();
    await setSafetyMode(db, { ...operator, mode: "observe" });
    expect(fresh.canExecute).toBe(true);
    await expect(fresh.checkCanExecute()).rejects.toThrow(ObserveOnlyError);
    expect(fresh.canExecute).toBe(false);
  });

  // A loaded machine may take longer once.
  it("follows what another process does, within 250 ms", { retry: 3 }, async () => {
    const watch = await safety.watch(world.database.sql);
    await safety.refresh();
    const from = performance.now();
    await setSafetyMode(db, { ...operator, mode: "observe" });
    await eventually(() => safety.isObserveOnly);
    expect(performance.now() - from).toBeLessThan(250);
    await watch.stop();
  });
});

describe("the check", () => {
  it.each([
    ["malformed", { mode: "EXECUTE" }],
    ["of another shape", ["execute"]],
  ])("refuses a row that is %s, for reading too", async (_, value) => {
    const row = await readAgentState(db, "system:safety");
    const expectedVersion = row?.version ?? null;
    await compareAndSetAgentState(db, "system:safety", { expectedVersion, value });
    await expect(safety.checkCanExecute()).rejects.toThrow(ObserveOnlyError);
    await expect(safety.checkMayRun("read")).rejects.toThrow(ObserveOnlyError);
  });
});

describe("setting the mode", () => {
  it("is recorded with who and why, and to observe cancels what is pending", async () => {
    const proposed = await executor.propose(aRequest());
    const valid = await validated(executor);
    const outcome = await safety.setMode("observe", { reason: "going home", actor: "ada" });
    expect(outcome).toMatchObject({ outcome: "changed", cancelledCount: 2 });
    const [last] = (await world.auditor.getEvents({ eventType: "mode_change" })).slice(-1);
    expect(last).toMatchObject({
      proposalId: null,
      actor: "user",
      eventData: { oldMode: "execute", newMode: "observe", by: "ada", reason: "going home" },
    });
    for (const { id } of [proposed, valid]) {
      expect((await readProposalRow(db, id)).state).toBe("cancelled");
    }
  });

  it("to observe lets what runs end by itself", async () => {
    const action = await running("wait");
    await safety.setMode("observe", operator);
    expect((await readProposalRow(db, action.proposalId)).state).toBe("executing");
    await safety.killSwitch(operator);
    await action.ended;
  });

  it("to observe overrules whoever sets it at the same time", async () => {
    const others = Array.from({ length: 5 }, () =>
      new SafetyController(db).setMode("observe", operator),
    );
    const outcomes = await Promise.all(others);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(Array(5).fill("changed"));
  });

  it("changes nothing where the ledger refuses its event", async () => {
    const admin = world.database.openAdmin();
    await admin`revoke insert on action_audit_log from jarvis_runtime`;
    await admin.end();
    await expect(safety.setMode("observe", operator)).rejects.toThrow("action_audit_log");
    await expect(safety.checkCanExecute()).resolves.toBeUndefined();
  });
});

describe("the kill switch", () => {
  it("cancels what is pending, stops what runs, and says how many that was", async () => {
    const proposed = await executor.propose(aRequest());
    const valid = await validated(executor);
    const action = await running("wait");
    const was = (id: number, state: string) => ({ kind: "action", id, was: state, runId: null });
    const answer = await safety.kill(operator);
    expect(answer).toMatchObject({
      cancelledCount: 3,
      stopped: [
        was(action.proposalId, "running"),
        was(proposed.id, "pending"),
        was(valid.id, "pending"),
      ],
    });
    expect(answer.stopped[0]?.name).toBe("wait");
    for (const one of [proposed.id, valid.id, action.proposalId]) {
      expect((await readProposalRow(db, one)).state).toBe("cancelled");
    }
    expect(await action.ended).toMatchObject({ outcome: "cancelled" });
    const [event] = await world.auditor.getEvents({ eventType: "kill_switch" });
    expect(event).toMatchObject({
      proposalId: null,
      actor: "user",
      eventData: { cancelledCount: 3, pending: 2, running: 1, hooks: 0, complete: true, by: "ada" },
    });
    expect(event?.eventData).toMatchObject({
      stopped: answer.stopped.map(({ id, name, was: state }) => `action ${id} ${name} (${state})`),
    });
    expect(safety.mode).toBe("observe");
    await expect(safety.checkCanExecute()).rejects.toThrow(ObserveOnlyError);
  });

  it("is not taken back on the display by a look that began before it", async () => {
    for (let round = 0; round < 20; round += 1) {
      await safety.setMode("execute", operator);
      const early = [safety.refresh(), safety.refresh(), safety.refresh()];
      await safety.killSwitch(operator);
      await Promise.all(early);
      expect(safety.mode).toBe("observe");
    }
  });

  it("records the mode first, then what it cancelled, then itself", async () => {
    await validated(executor);
    const before = (await world.auditor.getEvents()).at(-1)?.id;
    await safety.killSwitch(operator);
    const events = await world.auditor.getEvents({ after: before });
    const types = events.map(({ eventType }) => eventType);
    expect(types).toEqual(["mode_change", "cancelled", "kill_switch"]);
    expect(events[0]?.eventData).toMatchObject({ newMode: "observe", killSwitch: true });
  });

  it("pressed in another process stops what runs here, within 250 ms, though no message comes", async () => {
    const action = await running("child");
    const from = performance.now();
    await killSwitch(db, operator);
    expect(await action.ended).toMatchObject({ outcome: "cancelled" });
    // The answer of the other process includes that this one has stopped.
    expect(performance.now() - from).toBeLessThan(500);
  });

  it("does not wait for ever for an action that does not listen", async () => {
    const action = await running("deaf");
    expect(await safety.killSwitch(operator)).toBe(1);
    expect(await action.ended).toMatchObject({ outcome: "cancelled" });
    const [event] = (await world.auditor.getEvents({ proposalId: action.proposalId })).slice(-1);
    expect(event).toMatchObject({ eventType: "cancelled", eventData: { settled: false } });
  });

  it("closes what a dead executor left, instead of waiting for it", async () => {
    const action = await running("wait");
    const admin = world.database.openAdmin();
    await admin`update action_proposals
      set executor_id = 'dead', lease_expires_at = now() where id = ${action.proposalId}`;
    await admin.end();
    expect(await killSwitch(db, operator)).toMatchObject({
      cancelledCount: 1,
      stopped: [{ id: action.proposalId }],
    });
    expect((await readProposalRow(db, action.proposalId)).state).toBe("failed");
    await action.ended;
  });

  it("says so when something did not stop, after all the rest", async () => {
    const action = await running("wait");
    const admin = world.database.openAdmin();
    // An executor that lives and does not do as it is told.
    await admin`update action_proposals
      set executor_id = 'stubborn', lease_expires_at = now() + interval '1 hour'
      where id = ${action.proposalId}`;
    await admin.end();
    const pending = await executor.propose(aRequest());
    await expect(killSwitch(db, operator, { limitMs: 300 })).rejects.toMatchObject({
      code: "kill-switch-incomplete",
      message: expect.stringContaining(`action(s) ${action.proposalId} did not stop within 300 ms`),
    });
    expect((await readProposalRow(db, pending.id)).state).toBe("cancelled");
    const [event] = await world.auditor.getEvents({ eventType: "kill_switch" });
    expect(event?.eventData).toMatchObject({ complete: false });
    await action.ended;
  });

  it("goes on once its hooks have killed what held the lock", async () => {
    const holder = world.database.openAdmin();
    await holder
      .unsafe(`begin; update agent_state set value = value where key = 'system:safety'`)
      .simple();
    const answer = await killSwitch(db, operator, {
      limitMs: 300,
      onKill: [
        async () => {
          await holder.end({ timeout: 0 });
          return 1;
        },
      ],
    });
    expect(answer).toEqual({ cancelledCount: 1, stopped: [] });
    await expect(safety.checkCanExecute()).rejects.toThrow(ObserveOnlyError);
  });

  it("is lifted for what is begun later, not for what was told to stop", async () => {
    const action = await running("wait");
    const kill = safety.killSwitch(operator);
    await eventually(async () => (await listProposals(db, { states: ["executing"] })).length === 0);
    await safety.setMode("execute", operator);
    await kill;
    expect(await action.ended).toMatchObject({ outcome: "cancelled" });
    const next = await validated(executor);
    expect((await executor.execute(next.id, unbounded)).outcome).toBe("completed");
  });

  it("leaves nothing that a restarted process would run", async () => {
    const { id } = await validated(executor);
    await safety.killSwitch(operator);
    const restarted = anotherExecutor({ safety: new SafetyController(db) });
    await expect(restarted.execute(id, unbounded)).rejects.toThrow(ObserveOnlyError);
  });
});

/** An action that runs, and the promise of its end. */
async function running(actionName: string) {
  const { id } = await validated(executor, { actionName });
  const ended = executor.execute(id, unbounded);
  await eventually(async () => await Promise.resolve(begun.has(actionName)));
  return { proposalId: id, ended };
}

function anotherExecutor(overrides: Partial<ActionExecutorWorld>): ActionExecutor {
  const { registry } = world;
  const sessions = new SessionRiskTracker();
  return new ActionExecutor({ db, registry, policy: allowAll, safety, sessions, ...overrides });
}
