import { createTestDatabase } from "@jarvis/db/testing";
import type { TestDatabase } from "@jarvis/db/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ada, agent } from "../testing/action-world.ts";
import { ActionAuditor } from "./auditor.ts";
import type { NewAuditEvent } from "./audit-event.ts";

let database: TestDatabase;
let auditor: ActionAuditor;
let proposals = 0;

const at = "2026-01-01T00:00:00.000Z";
const token = ["gh", "p_", "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY5zA7"].join("");

beforeAll(async () => {
  database = await createTestDatabase();
  auditor = new ActionAuditor(database.db, () => new Date(at));
});

afterAll(() => database.close());

describe("an event", () => {
  it("is recorded as it was given, with an id and the time of recording", async () => {
    const event = anEvent({ eventData: { depth: { count: 1 } } });
    const recorded = await auditor.logEvent(event);
    expect(recorded).toMatchObject(event);
    expect(recorded.id).toBeGreaterThan(0);
    expect(Date.parse(recorded.createdAt)).toBeGreaterThan(Date.parse(at));
    const { proposalId } = event;
    expect(await auditor.getEvents({ proposalId: proposalId ?? 0 })).toEqual([recorded]);
  });

  it.each([
    ["an unknown type", { eventType: "started" }],
    ["an unknown actor", { actor: "ada" }],
    ["a time without a zone", { timestamp: "2026-01-01 00:00" }],
    ["a proposal that cannot be", { proposalId: -1 }],
  ])("with %s is refused before the database sees it", async (_, overrides) => {
    const event = { ...anEvent(), ...overrides } as NewAuditEvent;
    await expect(auditor.logEvent(event)).rejects.toMatchObject({ code: "malformed-event" });
  });

  it("keeps no secret", async () => {
    const eventData = { parameters: { remote: `https://x:${token}@host`, password: "hunter2" } };
    const recorded = await auditor.logEvent(anEvent({ eventData }));
    expect(JSON.stringify(recorded)).not.toContain(token);
    expect(recorded.eventData).toMatchObject({
      parameters: { password: "[redacted:secret-value]" },
    });
  });

  it.each([
    ["long text", { text: "x".repeat(50_000) }],
    ["text that JSON escapes", { text: "\u0001".repeat(50_000) }],
    ["many long texts", { list: Array.from({ length: 500 }, () => "ü".repeat(500)) }],
    ["many fields", Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`n${n}`, n]))],
    ["numbers that are long in decimal", { list: Array.from({ length: 90 }, () => 1e300) }],
    ["NUL and half a character", { text: "a\0b\ud800c", "k\0ey": 1 }],
    ["what is no JSON", { big: 10n, date: new Date(0), none: undefined }],
  ])("of %s is cut to what a row holds, not lost", async (_, eventData) => {
    const recorded = await auditor.logEvent(anEvent({ eventData }));
    expect(Object.keys(recorded.eventData ?? {}).length).toBeGreaterThan(0);
  });

  it("that refers to itself is recorded as far as it goes", async () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    const recorded = await auditor.logEvent(anEvent({ eventData: { circle, note: "kept" } }));
    expect(recorded.eventData).toEqual({ circle: "[not JSON]", note: "kept" });
  });

  it("is part of the transaction it is given", async () => {
    const event = anEvent();
    const aborted = database.db.transaction(async (tx) => {
      await new ActionAuditor(tx).logEvent(event);
      tx.rollback();
    });
    await expect(aborted).rejects.toThrow("Rollback");
    expect(await auditor.getEvents({ proposalId: event.proposalId ?? 0 })).toEqual([]);
  });
});

describe("the helpers", () => {
  it("record each step of an action as its own type, with its actor", async () => {
    const id = nextProposal();
    await auditor.logValidated(id);
    await auditor.logApproved(id, { by: ada, digest: "sha256:1", expiresAt: at });
    await auditor.logExecutionStarted(id);
    await auditor.logExecutionCompleted(id, { success: true, durationMs: 1234, result: { n: 1 } });
    await auditor.logExecutionCompleted(id, { success: false, error: "no route", durationMs: 500 });
    await auditor.logCancelled(id, "not any more", ada);
    await auditor.logRejected(id, { by: ada, reason: "no" });
    await auditor.logExpired(id, "too late");
    const events = await auditor.getEvents({ proposalId: id });
    expect(events.map(({ eventType, actor, eventData }) => [eventType, actor, eventData])).toEqual([
      ["validated", "system", {}],
      ["approved", "user", { by: "ada", digest: "sha256:1", expiresAt: at }],
      ["executing", "agent", {}],
      ["completed", "agent", { durationMs: 1234, result: { n: 1 } }],
      ["failed", "agent", { durationMs: 500, error: "no route" }],
      ["cancelled", "user", { by: "ada", reason: "not any more" }],
      ["rejected", "user", { by: "ada", reason: "no" }],
      ["expired", "system", { reason: "too late" }],
    ]);
  });

  it("record events of the whole system without a proposal", async () => {
    const killed = await auditor.logKillSwitch(3);
    const changed = await auditor.logModeChange("execute", "observe", agent);
    expect(killed).toMatchObject({
      proposalId: null,
      eventType: "kill_switch",
      actor: "system",
      eventData: { cancelledCount: 3 },
    });
    expect(changed).toMatchObject({
      proposalId: null,
      eventType: "mode_change",
      actor: "agent",
      eventData: { oldMode: "execute", newMode: "observe" },
    });
  });
});

describe("reading", () => {
  it("answers by proposal and by type, oldest first", async () => {
    const id = nextProposal();
    await auditor.logEvent(anEvent({ proposalId: id }));
    await auditor.logExecutionStarted(id);
    await auditor.logExecutionStarted(nextProposal());
    const both = await auditor.getEvents({ proposalId: id, eventType: "executing" });
    expect(both).toHaveLength(1);
    expect((await auditor.getEvents({ proposalId: id })).map((event) => event.eventType)).toEqual([
      "proposed",
      "executing",
    ]);
  });

  it("pages by the last id, without a gap or a repetition", async () => {
    const id = nextProposal();
    const written = [];
    for (let n = 0; n < 7; n += 1)
      written.push(await auditor.logEvent(anEvent({ proposalId: id })));
    const read = [];
    for (let after: number | undefined; ;) {
      const page = await auditor.getEvents({ proposalId: id, after, limit: 3 });
      if (page.length === 0) break;
      read.push(...page);
      after = page.at(-1)?.id;
    }
    expect(read).toEqual(written);
  });

  it("answers a hundred unless told, and refuses to answer without end", async () => {
    const id = nextProposal();
    await Promise.all(
      Array.from({ length: 101 }, () => auditor.logEvent(anEvent({ proposalId: id }))),
    );
    expect(await auditor.getEvents({ proposalId: id })).toHaveLength(100);
    await expect(auditor.getEvents({ limit: 100_000 })).rejects.toThrow("1000");
  });
});

function nextProposal(): number {
  proposals += 1;
  return proposals;
}

function anEvent(overrides: Partial<NewAuditEvent> = {}): NewAuditEvent {
  return {
    proposalId: nextProposal(),
    eventType: "proposed",
    eventData: { actionName: "test" },
    actor: "agent",
    timestamp: at,
    ...overrides,
  };
}
