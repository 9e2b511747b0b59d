import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emptyBlob, putBlob } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { blocked, digest, failed, promoted, proposed, tested } from "../testing/lifecycle.ts";
import { attest } from "./attestation.ts";
import type { Evidence } from "./evidence.ts";
import { appendSelfExtensionEvent } from "./lifecycle-events.ts";
import { setPromotionControlState } from "./promotion-control.ts";
import { recordFailure } from "./record-outcome.ts";
import { reconcileRuns } from "./reconcile-runs.ts";
import { runResult } from "./run-result.ts";
import { listEvents, listRuns, listShownEvents, openRuns, readRun, readRunResult } from "./runs.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await append(
    proposed("1-open"),
    proposed("2-parked"),
    tested("2-parked"),
    blocked("2-parked"),
    proposed("3-blocked"),
    blocked("3-blocked", { reasons: ["protected-path"], parked: false }),
    proposed("4-promoted"),
    tested("4-promoted"),
    promoted("4-promoted"),
    proposed("5-failed"),
    failed("5-failed"),
  );
  // Neither a base's attestation nor the pause switch is a run.
  await attest(database.db, {
    sha: "a".repeat(40),
    treeSha: "b".repeat(40),
    by: "set-up",
    actor: "test",
    reason: "first",
  });
  await setPromotionControlState(database.db, { paused: false, reason: "x", updatedBy: "anna" });
});

afterAll(async () => await database.close());

describe("listRuns", () => {
  it("answers the newest first, a page at a time", async () => {
    const page = await listRuns(database.db, { limit: 2 });
    expect(page.map(({ runId, status }) => [runId, status])).toEqual([
      ["5-failed", "failed"],
      ["4-promoted", "promoted"],
    ]);
    const rest = await listRuns(database.db, { limit: 10, before: "4-promoted" });
    expect(rest.map(({ status }) => status)).toEqual(["blocked", "parked", "proposed"]);
  });
});

describe("a run that a newer version wrote about", () => {
  let newer: TestDatabase;

  beforeAll(async () => {
    newer = await createTestDatabase();
    const parkedRun = [proposed("2-newer"), tested("2-newer"), blocked("2-newer")];
    for (const event of [proposed("1-own"), ...parkedRun, proposed("3-own")]) {
      await appendSelfExtensionEvent(newer.db, event);
    }
    await newer.sql`
      insert into self_extension_events
        (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
      select run_id, correlation_id, event_type, stage, actor_source, actor, 'blocked:2',
        jsonb_set(payload, '{reasons}', '["a-newer-reason"]')
      from self_extension_events where event_type = 'promotion_blocked'`;
  });
  afterAll(async () => await newer.close());

  it("is left alone, and keeps nobody from the others", async () => {
    const open = await openRuns(newer.db);
    const seen = open.map(({ runId, status }) => [runId, status]);
    expect(seen).toEqual([
      ["1-own", "proposed"],
      ["2-newer", "unreadable"],
      ["3-own", "proposed"],
    ]);
    const started: string[] = [];
    const start = async (runId: string) => void (await Promise.resolve(started.push(runId)));
    await reconcileRuns({ start }, open, () => true);
    expect(started).toEqual(["1-own", "3-own"]);
    const next = appendSelfExtensionEvent(newer.db, tested("2-newer", { attempt: 2 }));
    await expect(next).rejects.toMatchObject({ code: "malformed-event" });
  });

  it("is shown as that, with its events as they stand", async () => {
    const run = await readRun(newer.db, "2-newer");
    expect(run?.result).toMatchObject({ success: false, status: "unreadable" });
    expect(run?.result.error).toMatch(/^A newer version of Jarvis wrote about this run/);
    const filter = { runId: "2-newer", limit: 1 };
    await expect(listEvents(newer.db, filter)).rejects.toMatchObject({ code: "malformed-event" });
    const [event] = await listShownEvents(newer.db, filter);
    expect(event).toMatchObject({
      type: "promotion_blocked",
      payload: { reasons: ["a-newer-reason"] },
    });
  });
});

describe("openRuns", () => {
  it("answers what has not ended, and nothing else", async () => {
    const runs = await openRuns(database.db);
    expect(runs.map(({ runId }) => runId)).toEqual(["1-open", "2-parked"]);
  });
});

describe("listEvents", () => {
  it("follows the ledger from an id on and filters by run and type", async () => {
    const all = await listEvents(database.db, { limit: 100 });
    const after = await listEvents(database.db, { after: all[3]?.id, limit: 2 });
    expect(after.map(({ id }) => id)).toEqual(all.slice(4, 6).map(({ id }) => id));
    expect(await listEvents(database.db, { runId: "5-failed", limit: 10 })).toHaveLength(2);
    const newest = await listEvents(database.db, { type: "proposed", limit: 1 });
    expect(newest.map(({ runId }) => runId)).toEqual(["5-failed"]);
  });
});

describe("readRun", () => {
  it("is null where there is no such run", async () => {
    expect(await readRun(database.db, "nobody")).toBeNull();
    expect(await readRunResult(database.db, "nobody")).toBeNull();
  });

  it("shows the diagnostics while the evidence is kept, and stays meaningful without", async () => {
    const bytes = Buffer.from(JSON.stringify(anEvidence()));
    const evidenceDigest = await putBlob(database.db, bytes, "application/json");
    await append(proposed("kept"), tested("kept", { evidenceDigest }));
    expect(await readRunResult(database.db, "kept")).toMatchObject({
      verificationDiagnostics: [{ name: "tests" }],
      verificationSummary: "1 of 1 stages passed",
    });
    await emptyBlob(database.db, evidenceDigest);
    expect(await readRunResult(database.db, "kept")).toMatchObject({
      verificationDiagnostics: [],
      verificationOverallStatus: "passed",
    });
  });

  it.each([
    ["tier", { sandbox: { tier: "a-later-tier", version: "9" } }],
    ["kind of a stage", { stages: [{ ...anEvidence().stages[0], kind: "a-later-kind" }] }],
    ["category", { stages: [{ ...anEvidence().stages[0], category: "a-later-category" }] }],
  ])("shows a run whose evidence and rows have a later version's %s", async (what, later) => {
    const bytes = Buffer.from(JSON.stringify({ ...anEvidence(), ...later }));
    const evidenceDigest = await putBlob(database.db, bytes, "application/json");
    const runId = `later-${what.replaceAll(" ", "-")}`;
    const stage = { name: "tests", status: "failed" as const, durationMs: 1, reason: "x" };
    const stages = [{ ...stage, category: "a-later-category" }];
    await append(proposed(runId), tested(runId, { evidenceDigest, stages }));
    const result = await readRunResult(database.db, runId);
    expect(result).toMatchObject({ status: "tested", verificationDiagnostics: [] });
    expect(runResult.safeParse(result).success).toBe(true);
  });

  it("answers with closed words: another one is none of the contract", async () => {
    const result = await readRunResult(database.db, "4-promoted");
    const stage = anEvidence().stages[0];
    for (const other of [
      { rollbackStatus: "begun" },
      { verificationFailureCategory: "bad-luck" },
      { verificationDiagnostics: [{ ...stage, kind: "prayer" }] },
      { verificationDiagnostics: [{ ...stage, category: "bad-luck" }] },
    ]) {
      expect(runResult.safeParse({ ...result, ...other }).success).toBe(false);
    }
    expect(runResult.safeParse({ ...result, verificationDiagnostics: [stage] }).success).toBe(true);
  });

  it("does not show bytes that are not those of the digest", async () => {
    const bytes = Buffer.from(JSON.stringify({ ...anEvidence(), runId: "other" }));
    const evidenceDigest = await putBlob(database.db, bytes, "application/json");
    const admin = database.openAdmin();
    const swapped = Buffer.from(JSON.stringify(anEvidence()));
    await admin`update blobs set content = ${swapped}, size = ${swapped.length}
      where digest = ${evidenceDigest}`.catch(() => undefined);
    const [row] = await admin`select content from blobs where digest = ${evidenceDigest}`;
    await admin.end();
    await append(proposed("swapped"), tested("swapped", { evidenceDigest }));
    const result = await readRunResult(database.db, "swapped");
    const wasSwapped = Buffer.from(row?.["content"] as Uint8Array).equals(swapped);
    expect(result?.verificationDiagnostics).toHaveLength(wasSwapped ? 0 : 1);
  });
});

describe("recordFailure", () => {
  it("ends a run that is open with a sentence and a category", async () => {
    await append(proposed("breaks"));
    await recordFailure(database, "breaks", 1, new Error("the disk is full"));
    expect(await readRunResult(database.db, "breaks")).toMatchObject({
      status: "failed",
      error: "the disk is full",
    });
  });

  it("lets a run wait that the database broke by being away, and tries it again", async () => {
    await append(proposed("away"));
    const away = Object.assign(new Error("write CONNECTION_CLOSED"), { code: "CONNECTION_CLOSED" });
    await recordFailure(database, "away", 1, new Error("Failed query", { cause: away }));
    expect(await readRunResult(database.db, "away")).toMatchObject({
      status: "parked",
      blockReasons: ["database-unreachable"],
    });
  });

  it("does not take a promotion back when something breaks after it", async () => {
    await recordFailure(database, "4-promoted", 1, new Error("could not tidy up"));
    expect(await readRunResult(database.db, "4-promoted")).toMatchObject({ success: true });
  });

  it("has nothing to record about a run that nobody knows", async () => {
    await recordFailure(database, "nobody", 1, new Error("x"));
    expect(await readRun(database.db, "nobody")).toBeNull();
  });
});

async function append(...events: Parameters<typeof appendSelfExtensionEvent>[1][]): Promise<void> {
  for (const event of events) await appendSelfExtensionEvent(database.db, event);
}

function anEvidence(): Evidence {
  const at = new Date(0).toISOString();
  return {
    version: 1,
    runId: "kept",
    attempt: 1,
    baseSha: "a".repeat(40),
    baseTree: "a".repeat(40),
    treeSha: "c".repeat(40),
    configDigest: digest("1"),
    lockfileDigest: null,
    approval: null,
    nodeVersion: process.version,
    sandbox: { tier: "bubblewrap", version: "0.8" },
    stages: [
      {
        name: "tests",
        kind: "test",
        status: "passed",
        startedAt: at,
        endedAt: at,
        durationMs: 1,
        exit: "exit 0",
        category: null,
        reason: null,
        outputTail: "",
        failingTests: [],
      },
    ],
    releaseDigest: digest("2"),
    testEvidence: "in-process",
    verdict: "passed",
    createdAt: at,
  };
}
