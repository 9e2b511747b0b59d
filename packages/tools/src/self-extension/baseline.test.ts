import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readAgentState } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { aBlessedRelease, healthEvent, someFacts } from "../testing/health.ts";
import { digest, promoted, proposed, sha, tested } from "../testing/lifecycle.ts";
import { attest } from "./attestation.ts";
import {
  blessBaseline,
  blessingEvents,
  moveBaseline,
  finishBlessing,
  recordBlessing,
  unsettledRuns,
} from "./baseline.ts";
import { appendSelfExtensionEvent, readRunEvents } from "./lifecycle-events.ts";
import { appendJournal, replayJournal } from "./releases/journal.ts";
import { readBaseline } from "./releases/pointers.ts";
import { openRuns, readRun } from "./runs.ts";

let database: TestDatabase;
let directory: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => await database.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-baseline-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("blessing a release", () => {
  it("moves file and database and writes both events, once however often it is repeated", async () => {
    await aWatchedRun("bless");
    const blessed = aBlessedRelease("f", { runId: "bless", sha: sha("b"), treeSha: sha("c") });
    for (let time = 0; time < 2; time += 1) {
      await blessBaseline({ directory, db: database.db }, blessed);
      expect(await typesOf("bless")).toEqual([
        ...watchedTypes,
        "health_window_passed",
        "baseline_blessed",
      ]);
    }
    expect(readBaseline(directory)).toMatchObject({ known: true, value: { current: blessed } });
    expect(await known()).toMatchObject({ sha: sha("b"), releaseDigest: digest("f") });
    expect((await readRun(database.db, "bless"))?.result).toMatchObject({
      status: "blessed",
      success: true,
      promotionSucceeded: true,
      rollbackAttempted: false,
    });
  });

  it("is finished from the file after a crash between file and database", async () => {
    await aWatchedRun("crash");
    const pointer = moveBaseline(directory, aBlessedRelease("a", { runId: "crash" }));
    expect(await typesOf("crash")).toEqual(watchedTypes);
    await recordBlessing(database.db, pointer);
    expect(await typesOf("crash")).toContain("baseline_blessed");
    expect(await known()).toMatchObject({ releaseDigest: digest("a") });
  });

  it("is finished where only the half of it was said, and not said again once it is whole", async () => {
    await aWatchedRun("half");
    const pointer = moveBaseline(directory, aBlessedRelease("8", { runId: "half" }));
    const [passed] = blessingEvents(pointer, undefined);
    if (passed !== undefined) await append(passed);
    expect(await typesOf("half")).not.toContain("baseline_blessed");
    await finishBlessing(database.db, pointer);
    const whole = await typesOf("half");
    expect(whole.slice(-2)).toEqual(["health_window_passed", "baseline_blessed"]);
    await finishBlessing(database.db, pointer);
    expect(await typesOf("half")).toEqual(whole);
  });

  it("takes file, events and pointer together or, in the database, not at all", async () => {
    const before = await known();
    // Its window never began: the ledger says no, and the pointer of the database stays.
    await append(proposed("early"), tested("early"), promoted("early"));
    const pointer = moveBaseline(directory, aBlessedRelease("9", { runId: "early" }));
    await expect(recordBlessing(database.db, pointer)).rejects.toMatchObject({
      code: "illegal-transition",
    });
    expect(await typesOf("early")).toEqual(["proposed", "tested", "promoted"]);
    expect(await known()).toEqual(before);
  });

  it("goes through the journal when the database is down", async () => {
    await aWatchedRun("journal");
    const journal = join(directory, "journal.ndjson");
    const [first] = await readRunEvents(database.db, "journal");
    const pointer = moveBaseline(directory, aBlessedRelease("7", { runId: "journal" }));
    for (const event of blessingEvents(pointer, first)) appendJournal(journal, event);
    expect(await replayJournal(journal, database.db)).toMatchObject({ inserted: 2, refused: [] });
    // The database is back: what is repeated finds its events.
    await recordBlessing(database.db, pointer);
    expect(await typesOf("journal")).toHaveLength(watchedTypes.length + 2);
  });

  it("refuses to write over a pointer that cannot be read", async () => {
    writeFileSync(join(directory, "baseline.json"), "{");
    expect(() => moveBaseline(directory, aBlessedRelease("a"))).toThrow(
      expect.objectContaining({ code: "blessing-refused" }),
    );
  });

  it("makes the release that Jarvis started with the first baseline, without a window", async () => {
    const facts = { by: "set-up", actor: "set-up", reason: "first" } as const;
    await attest(database.db, { sha: sha("1"), treeSha: sha("2"), ...facts });
    const runId = `attestation-${sha("1")}`;
    const first = aBlessedRelease("1", { runId, window: null });
    await blessBaseline({ directory, db: database.db }, first);
    expect(await typesOf(runId)).toEqual(["tested", "baseline_blessed"]);
  });
});

describe("runs after their promotion", () => {
  it("are unsettled until they are blessed or back, and never open for the pipeline", async () => {
    const settled = await unsettledRuns(database.db);
    expect(settled).toEqual([]);
    await aWatchedRun("s-watched");
    await aWatchedRun("s-failed");
    await append(healthEvent("s-failed", "health_window_failed"));
    await aWatchedRun("s-rolling");
    await append(healthEvent("s-rolling", "rollback_started"));
    await aWatchedRun("s-back");
    await append(healthEvent("s-back", "rollback_started"), healthEvent("s-back", "rolled_back"));
    await aWatchedRun("s-late");
    await append(
      healthEvent("s-late", "health_window_passed", { payload: { facts: someFacts } }),
      healthEvent("s-late", "baseline_blessed"),
      healthEvent("s-late", "rollback_started"),
    );
    const states = await unsettledRuns(database.db);
    expect(states.map(({ runId, status }) => [runId, status])).toEqual([
      ["s-failed", "window-failed"],
      ["s-late", "rolling-back"],
      ["s-rolling", "rolling-back"],
      ["s-watched", "watched"],
    ]);
    expect(await openRuns(database.db)).toEqual([]);
  });
});

const watchedTypes = ["proposed", "tested", "promoted", "health_window_started"];

async function aWatchedRun(runId: string): Promise<void> {
  await append(
    proposed(runId),
    tested(runId),
    promoted(runId),
    healthEvent(runId, "health_window_started"),
  );
}

async function append(...events: Parameters<typeof appendSelfExtensionEvent>[1][]): Promise<void> {
  for (const event of events) await appendSelfExtensionEvent(database.db, event);
}

async function typesOf(runId: string): Promise<string[]> {
  return (await readRunEvents(database.db, runId)).map(({ type }) => type);
}

async function known(): Promise<unknown> {
  return (await readAgentState(database.db, "self_extension:known_good_baseline"))?.value;
}
