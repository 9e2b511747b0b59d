import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import {
  defineAction,
  killSwitch,
  readProposal,
  setSafetyMode,
  type ActionDefinition,
} from "@jarvis/operator-core";
import { endAllSandboxes, runInSandbox, type ListedSandbox } from "@jarvis/sandbox";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { startActions, type ActionSystem } from "./actions.ts";

let database: TestDatabase;
let systems: ActionSystem[];

beforeEach(async () => {
  database = await createTestDatabase();
  systems = [];
  await setSafetyMode(database.db, { mode: "execute", ...operator });
});

afterEach(async () => {
  for (const system of systems) await system.stop();
  await database.close();
});

describe("a kill that another process writes to the database", () => {
  it("ends this process's sandboxes within 250 ms, and leaves what begins after the next mode alone", async () => {
    const workspace = mkdtempSync(join(tmpdir(), "jarvis-actions-"));
    let heardAt = 0;
    await start([], async () => {
      heardAt ||= Date.now();
      return await endAllSandboxes();
    });
    const latencies: number[] = [];
    for (let round = 1; round <= 3; round += 1) {
      const sleeping = runInSandbox({ argv: ["sleep", "60"], workspace });
      heardAt = 0;
      const killedAt = Date.now();
      // What the command line does: the same row, by a connection of its own.
      await killSwitch(database.db, operator);
      expect(await sleeping).toMatchObject({ outcome: "killed", reason: "aborted" });
      latencies.push(heardAt - killedAt);
      await setSafetyMode(database.db, { mode: "observe", ...operator });
    }
    // The fastest: a machine that is busy with other tests says nothing about the way.
    expect(Math.min(...latencies)).toBeLessThan(250);
    const done = await runInSandbox({ argv: ["true"], workspace });
    expect(done).toMatchObject({ outcome: "exited", exitCode: 0 });
    rmSync(workspace, { recursive: true, force: true });
  });

  it("is found by the next look where its message was lost", async () => {
    let ended = 0;
    const system = await start([], async () => {
      ended += 1;
      return [];
    });
    await system.tidy();
    expect(ended).toBe(0);
    await killSwitch(database.db, operator);
    await system.tidy();
    expect(ended).toBeGreaterThan(0);
  });
});

describe("a kill of our own", () => {
  it("counts waiting and running actions and sandboxes, each once", async () => {
    const system = await start([endless, asking], async () => [
      { label: "run", about: { runId: "run-1", stage: "tests" } },
      { label: "body", about: { release: "sha256:r" } },
    ]);
    const { id } = await propose(system, "endless");
    const running = system.executor.execute(id, { approvalToken: undefined });
    await propose(system, "asking");
    await expectState(id, "executing");
    const { cancelledCount, stopped } = await system.kill(operator);
    expect(cancelledCount).toBe(4);
    expect(stopped.map(({ kind, name, runId, was }) => [kind, name, runId, was])).toEqual([
      ["sandbox", "tests", "run-1", "running"],
      ["body", "the body of release sha256:r", null, "running"],
      ["action", names.endless, null, "running"],
      ["action", names.asking, null, "pending"],
    ]);
    expect(await running).toMatchObject({ outcome: "cancelled" });
  });
});

describe("what an earlier kernel left executing", () => {
  it("is closed at once where the database is ours alone, whatever its lease says", async () => {
    const left = await leaveExecuting();
    await start([endless]);
    expect(await readProposal(database.db, left)).toMatchObject({ state: "failed" });
  });

  it("is closed at once by who leads on a server that others share: nobody else acts there", async () => {
    const left = await leaveExecuting();
    await start([endless], async () => [], { server: "external" });
    expect(await readProposal(database.db, left)).toMatchObject({ state: "failed" });
  });

  async function leaveExecuting(): Promise<number> {
    const system = await start([endless]);
    const { id } = await propose(system, "endless");
    void system.executor.execute(id, { approvalToken: undefined }).catch(() => undefined);
    await expectState(id, "executing");
    return id;
  }
});

describe("an action that needs a person", () => {
  it("runs with the token of the approval, and not without", async () => {
    const system = await start([asking]);
    const { id, parametersDigest: digest } = await propose(system, "asking");
    expect(await system.runApproved(id, "a guess")).toMatchObject({ refusal: "approval-needed" });
    const by = { kind: "user", name: "anna" } as const;
    const approval = await system.executor.approve(id, { by, digest });
    if (approval.outcome !== "approved") throw new Error(approval.detail);
    expect(await system.runApproved(id, "a guess")).toMatchObject({ refusal: "approval-invalid" });
    expect(await system.runApproved(id, approval.token)).toMatchObject({ outcome: "completed" });
  });

  it("is denied where no rule of the kernel names it", async () => {
    const system = await start([{ ...asking, name: "unheard_of" }]);
    const { id } = await propose(system, "unheard_of");
    expect(await readProposal(database.db, id)).toMatchObject({ state: "rejected" });
  });
});

const operator = { reason: "a test", actor: "anna" };

// Under names that the kernel's policy allows.
const names = { endless: "promote_change", asking: "release_change" } as const;

const endless = anAction(names.endless, false, async (_, { signal }) => {
  await new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
  });
});
const asking = anAction(names.asking, true, async () => "done");

function anAction(
  name: string,
  needsApproval: boolean,
  run: ActionDefinition["run"],
): ActionDefinition {
  return defineAction({
    name,
    description: "an action of a test",
    parameters: z.unknown(),
    effect: "promotion",
    risk: "low",
    needsApproval,
    idempotent: false,
    timeoutMs: 60_000,
    run,
  });
}

async function start(
  definitions: readonly ActionDefinition[],
  endSandboxes: () => Promise<readonly ListedSandbox[]> = endAllSandboxes,
  handle: { server?: "external" } = {},
): Promise<ActionSystem> {
  const system = await startActions({ ...database, ...handle }, definitions, endSandboxes);
  systems.push(system);
  return system;
}

async function propose(system: ActionSystem, name: string) {
  const proposal = await system.executor.propose({
    actionName: name in names ? names[name as keyof typeof names] : name,
    parameters: {},
    reason: "a test",
    requester: { kind: "agent", name: "jarvis" },
    agentId: "jarvis",
    sessionId: "test",
  });
  await system.executor.validate(proposal.id);
  return proposal;
}

async function expectState(id: number, state: string): Promise<void> {
  await expect.poll(async () => (await readProposal(database.db, id)).state).toBe(state);
}
