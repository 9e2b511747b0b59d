import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { selfExtensionEvents } from "@jarvis/db";
import { anEvent, createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { aContext, blocked, failed, promoted, proposed, tested } from "../testing/lifecycle.ts";
import {
  appendSelfExtensionEvent,
  lifecycleEventTypes,
  lifecyclePayloads,
  readRunEvents,
} from "./lifecycle-events.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => await database.close());

describe("appendSelfExtensionEvent", () => {
  it("answers the event with the number, id and time that the database gave", async () => {
    const first = await append(proposed("numbers"));
    const second = await append(tested("numbers"));
    expect([first.seq, second.seq]).toEqual([1, 2]);
    expect(BigInt(second.id)).toBeGreaterThan(BigInt(first.id));
    expect(first.createdAt).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(await readRunEvents(database.db, "numbers")).toEqual([first, second]);
  });

  it("answers the event that is there when a step is repeated", async () => {
    const first = await append(proposed("repeated"));
    expect(await append(proposed("repeated", { title: "Another" }))).toEqual(first);
    expect(await readRunEvents(database.db, "repeated")).toHaveLength(1);
  });

  it("answers a repeated event even after the run has ended", async () => {
    const first = await append(proposed("late"));
    await append(failed("late"));
    expect(await append(proposed("late"))).toEqual(first);
  });

  it("writes one event when the same one is appended many times at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => await append(proposed("at once"))),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  });

  it("numbers different events that arrive at once without a gap", async () => {
    await append(proposed("crowd"));
    await Promise.all(
      Array.from(
        { length: 8 },
        async (_, index) => await append(tested("crowd", { attempt: index + 1 })),
      ),
    );
    const events = await readRunEvents(database.db, "crowd");
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("lets only one of two ends of a run stand", async () => {
    await append(proposed("ends"));
    await append(tested("ends"));
    const ends = await Promise.allSettled([append(promoted("ends")), append(failed("ends"))]);
    expect(ends.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(await readRunEvents(database.db, "ends")).toHaveLength(3);
  });

  it("refuses what may not follow: a promotion of what was never tested", async () => {
    await append(proposed("untested"));
    await expect(append(promoted("untested"))).rejects.toMatchObject({
      code: "illegal-transition",
    });
    await append(tested("untested"));
    await expect(append(promoted("untested"))).resolves.toMatchObject({ type: "promoted" });
  });

  it.each([
    ["a blocked run", blocked("closed-1", { reasons: ["protected-path"], parked: false })],
    ["a failed run", failed("closed-2")],
  ])("refuses anything after %s", async (_, end) => {
    const { runId } = end.context;
    await append(proposed(runId));
    await append(end);
    await expect(append(tested(runId))).rejects.toMatchObject({ code: "illegal-transition" });
  });

  it("goes on after a park", async () => {
    await append(proposed("parked"));
    await append(blocked("parked"));
    await expect(append(tested("parked"))).resolves.toMatchObject({ seq: 3 });
  });

  it.each([
    ["a SHA that is none", proposed("bad", { baseSha: "main" })],
    ["a digest that is none", tested("bad", { evidenceDigest: "sha256:abc" })],
    ["no reason at all", blocked("bad", { reasons: [] })],
    ["a reason that nobody knows", blocked("bad", { reasons: ["because" as "base-moved"] })],
    ["an attempt of zero", failed("bad", { attempt: 0 })],
  ])("refuses a payload with %s and writes nothing", async (_, event) => {
    await expect(append(event)).rejects.toMatchObject({ code: "malformed-event" });
    expect(await readRunEvents(database.db, "bad")).toEqual([]);
  });

  it("redacts secrets in the payload and in the names beside it", async () => {
    const token = ["gh", "p_", "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY5zA7"].join("");
    const event = proposed("secret", { goal: `use ${token}` });
    await append({ ...event, context: aContext({ runId: "secret", goalId: token, actor: token }) });
    const rows = await database.sql`select row_to_json(e)::text as text
      from self_extension_events e where run_id = 'secret'`;
    expect(rows[0]?.["text"]).toContain("[redacted:github-token]");
    expect(rows[0]?.["text"]).not.toContain(token);
  });

  it("is taken back with the transaction it is part of", async () => {
    const undone = database.db.transaction(async (tx) => {
      await appendSelfExtensionEvent(tx, proposed("undone"));
      throw new Error("changed my mind");
    });
    await expect(undone).rejects.toThrow("changed my mind");
    expect(await readRunEvents(database.db, "undone")).toEqual([]);
  });
});

describe("readRunEvents", () => {
  it.each([
    ["a type of a later version", { eventType: "baseline_blessed" as const }],
    ["a payload of another shape", { eventType: "failed" as const, payload: { why: "?" } }],
    ["an actor source that nobody knows", { ...proposedRow(), actorSource: "somebody" }],
  ])("throws on %s instead of skipping the row", async (name, row) => {
    await database.db.insert(selfExtensionEvents).values(anEvent({ runId: name, ...row }));
    await expect(readRunEvents(database.db, name)).rejects.toMatchObject({
      code: "malformed-event",
    });
  });
});

it("names every type that has a payload", () => {
  expect([...lifecycleEventTypes].toSorted()).toEqual(Object.keys(lifecyclePayloads).toSorted());
});

async function append(event: Parameters<typeof appendSelfExtensionEvent>[1]) {
  return await appendSelfExtensionEvent(database.db, event);
}

function proposedRow() {
  return { eventType: "proposed" as const, payload: proposed("x").payload };
}
