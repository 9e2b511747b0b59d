import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ObserveOnlyError } from "../errors.ts";
import {
  actionWorld,
  anAction,
  aRequest,
  eventually,
  operator,
  untilStopped,
} from "../testing/action-world.ts";
import type { ActionWorld } from "../testing/action-world.ts";
import type { ActionContext } from "./action-definition.ts";
import { ActionStatus } from "./action-status.ts";
import { listProposals, readProposal } from "./proposal-store.ts";

const inner = z.object({ action: z.string() });

let world: ActionWorld;
let ran: string[];
let kept: ActionContext["perform"] | undefined;

beforeAll(async () => {
  world = await actionWorld([
    anAction({
      run: async () => {
        ran.push("write-note");
        return "written";
      },
    }),
    anAction({ name: "guarded", needsApproval: true }),
    anAction({
      name: "keeps",
      run: async (_, { perform }) => {
        kept = perform;
      },
    }),
    anAction({ name: "wait", run: (_, context) => untilStopped(context) }),
    anAction({
      name: "calls",
      effect: "read",
      parameters: inner,
      run: async (given, { perform }) => {
        const { action } = inner.parse(given);
        return await perform(action, action === "calls" ? { action } : { text: "inner" });
      },
    }),
  ]);
});

beforeEach(async () => {
  ran = [];
  await world.safety.setMode("execute", operator);
});

afterAll(() => world.close());

describe("an action that is performed in one go", () => {
  it("is proposed, validated, executed and on record", async () => {
    const outcome = await world.executor.perform(aRequest());
    expect(outcome).toMatchObject({ outcome: "completed", result: "written" });
    const events = await world.auditor.getEvents({ proposalId: outcome.proposalId });
    expect(events.map(({ eventType }) => eventType)).toEqual([
      "proposed",
      "validated",
      "executing",
      "completed",
    ]);
  });

  it("is rejected with everything that is wrong with it", async () => {
    const outcome = await world.executor.perform(aRequest({ parameters: { text: 5 } }));
    expect(outcome).toMatchObject({
      outcome: "invalid",
      errors: [{ path: "parameters.text" }],
    });
  });

  it("is cancelled, not left pending, where a person would have to approve it", async () => {
    const outcome = await world.executor.perform(aRequest({ actionName: "guarded" }));
    expect(outcome).toMatchObject({ outcome: "approval-needed" });
    expect(await readProposal(world.db, outcome.proposalId)).toMatchObject({ state: "cancelled" });
  });

  it("is refused in observe and left in an end", async () => {
    await world.safety.setMode("observe", operator);
    await expect(world.executor.perform(aRequest())).rejects.toThrow(ObserveOnlyError);
    expect(ran).toEqual([]);
    const open = ["proposed", "validated", "approved", "executing"];
    const { count } = await countOf(open);
    expect(count).toBe(0);
  });
});

describe("an action within an action", () => {
  it("is an action of its own: same requester, same session, on record", async () => {
    const outcome = await world.executor.perform(calling("write-note"));
    expect(outcome).toMatchObject({
      outcome: "completed",
      result: { outcome: "completed", result: "written" },
    });
    const { result } = outcome as { result: { proposalId: number } };
    expect(await readProposal(world.db, result.proposalId)).toMatchObject({
      actionName: "write-note",
      requestedBy: "jarvis",
      sessionId: "session-1",
      reason: `asked for by calls (action ${outcome.proposalId})`,
      state: "completed",
    });
  });

  it("is checked too: what reads may be called in observe, what it calls may not", async () => {
    await world.safety.setMode("observe", operator);
    const outcome = await world.executor.perform(calling("write-note"));
    expect(outcome).toMatchObject({
      outcome: "failed",
      error: expect.stringContaining("observe-only mode is active"),
    });
    expect(ran).toEqual([]);
  });

  it("is stopped with the one that asked for it", async () => {
    const outer = await world.executor.propose(calling("wait"));
    await world.executor.validate(outer.id);
    const ending = world.executor.execute(outer.id, { approvalToken: undefined });
    await eventually(async () => (await countOf(["executing"])).count === 2);
    await world.executor.cancel(outer.id, { by: { kind: "user", name: "ada" }, reason: "enough" });
    await ending;
    await eventually(async () => (await countOf(["executing"])).count === 0);
    const [waiting] = (await countOf(["cancelled"])).newest;
    expect(waiting).toMatchObject({ endReason: "whoever asked for it was stopped" });
  });

  it("is not begun once the one that asked for it has ended", async () => {
    await world.executor.perform(aRequest({ actionName: "keeps", parameters: { text: "x" } }));
    await expect(kept?.("write-note", { text: "late" })).rejects.toThrow("Only the executor");
    expect(ran).toEqual([]);
  });

  it("may not call itself for ever", async () => {
    let outcome: unknown = await world.executor.perform(calling("calls"));
    let depth = 0;
    while (isCompleted(outcome)) {
      depth += 1;
      outcome = outcome.result;
    }
    expect(depth).toBe(5);
    expect(outcome).toMatchObject({ outcome: "failed", error: expect.stringContaining("5 deep") });
  });
});

function calling(action: string) {
  return aRequest({ actionName: "calls", parameters: { action } });
}

function isCompleted(outcome: unknown): outcome is { result: unknown } {
  return (outcome as { outcome?: string }).outcome === "completed";
}

async function countOf(states: readonly string[]) {
  const newest = await listProposals(world.db, {
    states: states.map((state) => ActionStatus.parse(state)),
  });
  return { count: newest.length, newest };
}
