import { randomUUID } from "node:crypto";
import { selfExtensionEvents } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { follow } from "./follow.ts";
import { ledgerReader } from "./ledger-reader.ts";
import { startLive, type Live } from "./live.ts";
import { LiveFeed } from "./live-feed.ts";
import { News } from "./news.ts";
import { Ring } from "./ring.ts";

let database: TestDatabase;
let live: Live;

beforeAll(async () => {
  database = await createTestDatabase();
  live = await startLive({
    database,
    glance: () => null,
    status: async () => await Promise.resolve({ fine: true }),
    onProblem: (error) => {
      throw error;
    },
  });
});

afterAll(async () => {
  await live.stop();
  await database.close();
});

const row = (runId: string) => ({
  runId,
  correlationId: runId,
  eventType: "promotion_pause_changed" as const,
  stage: "control",
  actorSource: "user",
  actor: "operator",
  idempotencyKey: randomUUID(),
  payload: {
    paused: true,
    reason: "a test",
    updatedBy: "operator",
    updatedAt: "2026-01-01T00:00:00Z",
    previouslyPaused: false,
  },
});

async function write(runId: string): Promise<number> {
  const [written] = await database.db
    .insert(selfExtensionEvents)
    .values(row(runId))
    .returning({ id: selfExtensionEvents.id });
  return written?.id ?? 0;
}

/** A row that nobody can see until it is committed. */
async function writeHeld(runId: string): Promise<{ id: number; commit: () => Promise<void> }> {
  let commit = (): void => undefined;
  const held = new Promise<void>((resolve) => (commit = resolve));
  return await new Promise((taken, failed) => {
    const written = database.db.transaction(async (tx) => {
      const [inserted] = await tx
        .insert(selfExtensionEvents)
        .values(row(runId))
        .returning({ id: selfExtensionEvents.id });
      taken({
        id: inserted?.id ?? 0,
        async commit() {
          commit();
          await written;
        },
      });
      await held;
    });
    written.catch(failed);
  });
}

interface Told {
  readonly place: number;
  readonly name: string;
  readonly id: number | null;
}

/** A client that reads as fast as it can; `until` answers what it was told up to a row. */
function listen(from: number | null, feed: LiveFeed = live.feed) {
  const ended = new AbortController();
  const told: Told[] = [];
  let wake = (): void => undefined;
  const done = (async () => {
    const reader = ledgerReader(database.db);
    const options = { from, signal: ended.signal, mayGoOn: () => true };
    for await (const chunk of follow(feed, reader, options)) {
      for (const message of chunk.split("\n\n").filter((text) => text !== "")) {
        told.push(parse(message));
      }
      wake();
    }
  })();
  onTestFinished(async () => {
    ended.abort();
    await done;
  });
  return {
    told,
    done,
    stop: () => ended.abort(),
    rows: () => told.flatMap(({ id }) => (id === null ? [] : [id])),
    async until(isThere: (told: readonly Told[]) => boolean) {
      while (!isThere(told)) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

function parse(message: string): Told {
  const field = (name: string): string =>
    new RegExp(`^${name}: (.*)$`, "m").exec(message)?.[1] ?? "";
  const data = JSON.parse(field("data")) as { id?: string };
  return {
    place: Number(field("id")),
    name: field("event"),
    id: data.id === undefined ? null : Number(data.id),
  };
}

const has = (id: number) => (told: readonly Told[]) => told.some((message) => message.id === id);

describe("following the ledger", () => {
  it("tells what is committed to everybody at once", async () => {
    const clients = [listen(null), listen(null)];
    await Promise.all(clients.map((client) => client.until((told) => told.length > 0)));
    const ids = [await write("a"), await write("b")];
    for (const client of clients) {
      await client.until(has(ids[1] ?? 0));
      expect(client.rows()).toEqual(ids);
      expect(client.told[0]?.name).toBe("hello");
    }
  });

  it("goes on behind the last id that a client was told", async () => {
    const first = await write("c");
    const missed = [await write("c"), await write("c")];
    const client = listen(first);
    await client.until(has(missed[1] ?? 0));
    const next = await write("c");
    await client.until(has(next));
    expect(client.rows()).toEqual([...missed, next]);
  });

  it("tells soon what was committed beside somebody who still writes, and that one last", async () => {
    const client = listen(null);
    await client.until((told) => told.length > 0);
    const slow = await writeHeld("slow");
    const quick = await writeHeld("quick");
    await quick.commit();
    await client.until(has(quick.id));
    await slow.commit();
    await client.until(has(slow.id));
    expect(client.rows()).toEqual([quick.id, slow.id]);
  });

  it("tells nobody who comes later what was committed before", async () => {
    await write("unheard");
    const client = listen(null);
    await client.until((told) => told.length > 0);
    const heard = await write("heard");
    await client.until(has(heard));
    expect(client.rows()).toEqual([heard]);
  });

  it("misses no event that is committed late, nor does a client that resumes in between", async () => {
    const client = listen(null);
    await client.until((told) => told.length > 0);
    const late = await writeHeld("late");
    const smaller = late.id;
    const greater = await write("early");
    await client.until(has(greater));
    expect(greater).toBeGreaterThan(smaller);
    // It was told at once, and the client is to come back before what is still open.
    const place = client.told.at(-1)?.place ?? Infinity;
    expect(place).toBeLessThan(smaller);
    await late.commit();
    await client.until(has(smaller));
    const resumed = listen(place);
    await resumed.until(has(greater));
    expect(resumed.rows().slice(-2)).toEqual([smaller, greater]);
    // Whoever reads in the moment in which a writer ends is told the row, and to come back before it.
    await expect
      .poll(async () => {
        const after = await write("after");
        await client.until(has(after));
        return client.told.find(({ id }) => id === after)?.place === after;
      })
      .toBe(true);
  });

  it("reads a long absence page by page and then goes on", async () => {
    const from = await write("d");
    await database.db
      .insert(selfExtensionEvents)
      .values(Array.from({ length: 450 }, () => row("d")));
    const client = listen(from);
    const last = await write("d");
    await client.until(has(last));
    const rows = client.rows();
    expect(new Set(rows).size).toBe(451);
    expect(rows.toSorted((a, b) => a - b)).toEqual(rows);
  });

  it("lets a client go that is too slow, which comes back and has missed nothing", async () => {
    const reader = ledgerReader(database.db);
    const onProblem = (error: unknown): never => {
      throw error;
    };
    const small = await LiveFeed.open(reader, {
      limits: { messages: 8, characters: 100_000 },
      onProblem,
    });
    onTestFinished(async () => await small.stop());
    const signal = new AbortController().signal;
    const slow = follow(small, reader, { from: null, signal, mayGoOn: () => true });
    const hello = parse((await slow.next()).value ?? "");
    const ids: number[] = [];
    for (let at = 0; at < 20; at += 1) ids.push(await write("e"));
    small.notice();
    await expect.poll(() => small.place).toBe(ids.at(-1));
    expect(parse((await slow.next()).value ?? "").name).toBe("behind");
    expect((await slow.next()).done).toBe(true);
    expect(small.clients).toBe(0);
    const client = listen(hello.place, small);
    await client.until(has(ids.at(-1) ?? 0));
    expect(client.rows()).toEqual(ids);
  });

  it("ends with whoever asked, and holds nothing of them", async () => {
    const before = live.feed.clients;
    const client = listen(null);
    await client.until((told) => told.length > 0);
    expect(live.feed.clients).toBe(before + 1);
    client.stop();
    await client.done;
    expect(live.feed.clients).toBe(before);
    const forbidden = follow(live.feed, ledgerReader(database.db), {
      from: null,
      signal: new AbortController().signal,
      mayGoOn: () => false,
    });
    await forbidden.next();
    expect((await forbidden.next()).done).toBe(true);
  });

  it("tells the state when it changed, and of actions", async () => {
    const client = listen(null);
    await client.until((told) => told.length > 0);
    await database.sql`insert into action_audit_log (event_type, event_data, actor, timestamp)
      values ('mode_change', '{"mode": "observe"}', 'user', now())`;
    // In either order: the state is also told for other reasons.
    const names = (): string[] => client.told.map(({ name }) => name);
    await client.until(() => names().includes("status") && names().includes("actions"));
    expect(names()).toEqual(expect.arrayContaining(["status", "actions"]));
  });
});

describe("news of a ledger", () => {
  it("are a row with a greater id, and one with a smaller whose writer took longer", async () => {
    const news = new News(ledgerReader(database.db));
    await news.look();
    expect(await news.look()).toBe(false);
    const late = await writeHeld("late");
    expect(await news.look()).toBe(false);
    await write("early");
    expect(await news.look()).toBe(true);
    expect(await news.look()).toBe(false);
    await late.commit();
    expect(await news.look()).toBe(true);
    expect(await news.look()).toBe(false);
  });
});

describe("the ring", () => {
  it("never holds more than it may, and says what it let go", () => {
    const ring = new Ring({ messages: 10, characters: 50 });
    for (let at = 0; at < 1000; at += 1) ring.push({ text: "0123456789", rowId: at });
    expect(ring.next).toBe(1000);
    expect(ring.next - ring.first).toBeLessThanOrEqual(5);
    expect(ring.from(ring.first - 1, 100)).toBeNull();
    expect(ring.from(ring.first, 15)?.map(({ rowId }) => rowId)).toEqual([
      ring.first,
      ring.first + 1,
    ]);
    expect(ring.from(ring.next, 100)).toEqual([]);
  });
});
