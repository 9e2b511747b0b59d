import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { healthEvent } from "../../testing/health.ts";
import { promoted, proposed, tested } from "../../testing/lifecycle.ts";
import { appendSelfExtensionEvent, readRunEvents } from "../lifecycle-events.ts";
import { appendJournal, inspectJournal, replayJournal } from "./journal.ts";

let directory: string;
let path: string;
let database: TestDatabase;
let run = 0;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => await database.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-journal-"));
  path = join(directory, "journal.ndjson");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("the journal", () => {
  it("keeps events in order and brings them into the ledger, once", async () => {
    const runId = await aPromotedRun();
    for (const event of rollback(runId)) appendJournal(path, event);
    expect(inspectJournal(path)).toEqual({ events: 4, broken: null, torn: false });
    expect(await replayJournal(path, database.db)).toEqual({
      inserted: 4,
      refused: [],
      aside: null,
      broken: null,
    });
    expect(await typesOf(runId)).toEqual([...untilPromoted, ...rollbackTypes]);
    expect(inspectJournal(path).events).toBe(0);
    expect((await replayJournal(path, database.db)).inserted).toBe(0);
    expect(await typesOf(runId)).toHaveLength(7);
  });

  it("goes on with its chain after it was emptied", async () => {
    const runId = await aPromotedRun();
    const [started, failed] = rollback(runId);
    appendJournal(path, started);
    await replayJournal(path, database.db);
    appendJournal(path, failed);
    expect(inspectJournal(path)).toMatchObject({ events: 1, broken: null });
    await replayJournal(path, database.db);
    expect(await typesOf(runId)).toEqual([...untilPromoted, ...rollbackTypes.slice(0, 2)]);
  });

  it("inserts nothing twice after a replay that a crash ended", async () => {
    const runId = await aPromotedRun();
    const events = rollback(runId);
    for (const event of events) appendJournal(path, event);
    // As far as the first replay came before it was killed.
    for (const event of events.slice(0, 2)) await appendSelfExtensionEvent(database.db, event);
    expect(await replayJournal(path, database.db)).toMatchObject({ inserted: 4, refused: [] });
    expect(await typesOf(runId)).toEqual([...untilPromoted, ...rollbackTypes]);
  });

  it("keeps everything when the database does not answer", async () => {
    const runId = await aPromotedRun();
    for (const event of rollback(runId)) appendJournal(path, event);
    const gone = await createTestDatabase();
    await gone.close();
    await expect(replayJournal(path, gone.db)).rejects.toThrow("CONNECTION_ENDED");
    expect(inspectJournal(path)).toMatchObject({ events: 4 });
  });

  it("keeps what the ledger refuses beside it, and lets nothing wait for that", async () => {
    const good = await aPromotedRun();
    appendJournal(path, healthEvent("nobody", "rolled_back"));
    appendJournal(path, rollback(good)[0]);
    const report = await replayJournal(path, database.db);
    expect(report).toMatchObject({
      inserted: 1,
      refused: [{ seq: 1, code: "illegal-transition" }],
    });
    expect(await typesOf(good)).toContain("health_window_started");
    expect(inspectJournal(report.aside ?? "")).toEqual({ events: 2, broken: null, torn: false });
    expect(inspectJournal(path)).toEqual({ events: 0, broken: null, torn: false });
    appendJournal(path, rollback(good)[1]);
    expect(await replayJournal(path, database.db)).toMatchObject({ inserted: 1, refused: [] });
  });

  it("takes no payload that the ledger would not take, and no secret", () => {
    const wrong = healthEvent("r", "rolled_back", { payload: { durationMs: -1 } });
    expect(() => appendJournal(path, wrong)).toThrow(
      expect.objectContaining({ code: "malformed-event" }),
    );
    const secret = `ghp_${"a1B2".repeat(9)}`;
    appendJournal(path, healthEvent("r", "rollback_started", { payload: { reason: secret } }));
    const named = healthEvent("r", "rolled_back");
    appendJournal(path, { ...named, context: { ...named.context, actor: secret } });
    expect(readFileSync(path, "utf8")).not.toContain(secret);
    expect(inspectJournal(path)).toMatchObject({ events: 2, broken: null });
  });

  it("cuts off half a line, which nobody was told was kept", async () => {
    const runId = await aPromotedRun();
    const [first, second] = rollback(runId);
    appendJournal(path, first);
    const whole = readFileSync(path);
    appendJournal(path, second);
    for (const cut of [1, 40, readFileSync(path).length - whole.length - 1]) {
      truncateSync(path, whole.length + cut);
      expect(inspectJournal(path)).toEqual({ events: 1, broken: null, torn: true });
      appendJournal(path, second);
      expect(inspectJournal(path)).toEqual({ events: 2, broken: null, torn: false });
    }
  });

  it.each<[string, (lines: ThreeLines) => string[]]>([
    ["a line is changed", ([a, b, c]) => [a, b.replace("kernel", "nobody"), c]],
    ["a line is removed", ([a, , c]) => [a, c]],
    ["lines are swapped", ([a, b, c]) => [b, a, c]],
    ["a line is repeated", ([a, b, c]) => [a, a, b, c]],
    ["a line is no JSON", ([a, , c]) => [a, "{", c]],
    ["a line is empty", ([a, b, c]) => [a, "", b, c]],
    ["the beginning is missing", ([, b, c]) => [b, c]],
  ])(
    "reports that %s, inserts only what comes before, and takes nothing more",
    async (_, damage) => {
      const runId = await aPromotedRun();
      for (const event of rollback(runId).slice(0, 3)) appendJournal(path, event);
      const [a = "", b = "", c = ""] = readFileSync(path, "utf8").trimEnd().split("\n");
      const damaged = `${damage([a, b, c]).join("\n")}\n`;
      writeFileSync(path, damaged);
      const { broken, events } = inspectJournal(path);
      expect(broken).not.toBeNull();
      const report = await replayJournal(path, database.db);
      expect(report).toMatchObject({ inserted: events, broken });
      expect(readFileSync(path, "utf8")).toBe(damaged);
      expect(() => appendJournal(path, rollback(runId)[3])).toThrow(
        expect.objectContaining({ code: "journal-broken" }),
      );
      renameSync(path, `${path}.looked-at`);
      appendJournal(path, rollback(runId)[3]);
      expect(inspectJournal(path)).toMatchObject({ events: 1, broken: null });
      expect(readdirSync(directory)).toHaveLength(2);
    },
  );

  it("holds every acknowledged event when its writer is killed with -9 at any moment", async () => {
    for (const waitMs of [5, 12, 30]) {
      rmSync(path, { force: true });
      const acknowledged = await appendUntilKilled(waitMs);
      const before = inspectJournal(path);
      expect(before.broken).toBeNull();
      expect(before.events).toBeGreaterThanOrEqual(acknowledged);
      appendJournal(path, healthEvent("after", "rolled_back"));
      expect(inspectJournal(path)).toEqual({
        events: before.events + 1,
        broken: null,
        torn: false,
      });
    }
  });
});

const untilPromoted = ["proposed", "tested", "promoted"];
const rollbackTypes = [
  "health_window_started",
  "health_window_failed",
  "rollback_started",
  "rolled_back",
] as const;

type ThreeLines = readonly [string, string, string];

function rollback(runId: string) {
  return [
    healthEvent(runId, "health_window_started"),
    healthEvent(runId, "health_window_failed"),
    healthEvent(runId, "rollback_started"),
    healthEvent(runId, "rolled_back"),
  ] as const;
}

async function aPromotedRun(): Promise<string> {
  const runId = `journal-${(run += 1)}`;
  for (const event of [proposed(runId), tested(runId), promoted(runId)]) {
    await appendSelfExtensionEvent(database.db, event);
  }
  return runId;
}

async function typesOf(runId: string): Promise<string[]> {
  return (await readRunEvents(database.db, runId)).map(({ type }) => type);
}

/** Lets a process of its own append without end and kills it; answers how many it was told are kept. */
async function appendUntilKilled(waitMs: number): Promise<number> {
  const module = new URL("../../../dist/self-extension/releases/journal.js", import.meta.url);
  const program = `
    import { writeSync } from "node:fs";
    const { appendJournal } = await import(${JSON.stringify(module.href)});
    const event = ${JSON.stringify(healthEvent("killed", "rolled_back"))};
    for (;;) {
      appendJournal(${JSON.stringify(path)}, event);
      writeSync(1, "+");
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let acknowledged = 0;
  const begun = once(child.stdout, "data");
  child.stdout.on("data", (chunk: Buffer) => (acknowledged += chunk.length));
  await begun;
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  child.kill("SIGKILL");
  await once(child, "close");
  return acknowledged;
}
