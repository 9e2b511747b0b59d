import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compareAndSetAgentState, readAgentState } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { aBlessedRelease } from "../../testing/health.ts";
import { digest, sha } from "../../testing/lifecycle.ts";
import { lastSeenBase, rememberBase } from "../attestation.ts";
import { mirrorBaseline, mirrorServing, reconcilePointers } from "./mirror-pointers.ts";
import {
  readBaseline,
  readServing,
  targetOfRollback,
  withBlessed,
  withoutCurrent,
  writeBaseline,
  writeServing,
  type BaselinePointer,
  type ServingPointer,
} from "./pointers.ts";

let directory: string;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => await database.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-pointers-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("pointer files", () => {
  it("say what was written, and leave nothing else behind", () => {
    writeServing(directory, serving("a"));
    writeBaseline(directory, baseline("a"));
    writeServing(directory, serving("b"));
    expect(readServing(directory)).toEqual({ known: true, value: serving("b") });
    expect(readBaseline(directory)).toEqual({ known: true, value: baseline("a") });
    expect(readdirSync(directory).sort()).toEqual(["baseline.json", "serving.json"]);
  });

  it("are not known where they are missing", () => {
    expect(readServing(directory)).toMatchObject({ known: false, problem: "missing" });
    expect(readBaseline(directory)).toMatchObject({ known: false, problem: "missing" });
  });

  it.each([
    ["empty", ""],
    ["cut off", '{"version":1,"releaseDigest":"sha256:aa'],
    ["of another shape", JSON.stringify({ ...serving("a"), releaseDigest: "../../etc" })],
    ["of a later version", JSON.stringify({ ...serving("a"), version: 2 })],
    ["with a field nobody knows", JSON.stringify({ ...serving("a"), extra: 1 })],
  ])("are not known where they are %s", (_, text) => {
    writeFileSync(join(directory, "serving.json"), text);
    expect(readServing(directory)).toMatchObject({ known: false, problem: "malformed" });
  });

  it("stay as they were when they cannot be written", () => {
    writeServing(directory, serving("a"));
    expect(() => writeServing(directory, { ...serving("b"), sha: "short" })).toThrow(
      "full git SHA",
    );
    expect(readServing(directory)).toEqual({ known: true, value: serving("a") });
    mkdirSync(join(directory, "baseline.json"));
    expect(() => writeBaseline(directory, baseline("a"))).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readBaseline(directory)).toMatchObject({ known: false, problem: "malformed" });
    expect(readdirSync(directory).sort()).toEqual(["baseline.json", "serving.json"]);
  });
});

describe("blessed releases", () => {
  it("are remembered, the newest first and each once, up to a limit", () => {
    const pointer = baseline(..."0123456789ab", "a");
    const digests = [pointer.current, ...pointer.earlier].map((one) => one.releaseDigest);
    expect(digests).toEqual([..."ab9876543"].map(digest));
  });

  it("stay as they are when the baseline is blessed again", () => {
    const pointer = withBlessed(null, aBlessedRelease("a"));
    expect(withBlessed(pointer, aBlessedRelease("a", { runId: "other" }))).toBe(pointer);
  });

  it.each([
    ["f", "c"],
    ["c", "b"],
    ["b", "a"],
    ["a", null],
  ])("tell where release %s goes back to: %s", (from, to) => {
    const pointer = baseline("a", "b", "c");
    const target = targetOfRollback(pointer, digest(from));
    expect(target?.releaseDigest ?? null).toBe(to === null ? null : digest(to));
  });

  it("let go of one that was found unhealthy, and never of the last", () => {
    expect(withoutCurrent(baseline("a", "b"))?.current.releaseDigest).toBe(digest("a"));
    expect(withoutCurrent(baseline("a"))).toBeNull();
  });
});

describe("pointers in the database", () => {
  it("agree after they were written", async () => {
    writeServing(directory, serving("b"));
    writeBaseline(directory, baseline("a"));
    await mirrorServing(database.db, serving("b"));
    await mirrorBaseline(database.db, baseline("a"));
    const reports = await reconcilePointers(directory, database.db);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["agreed", "agreed"]);
  });

  it("are settled for the file where they disagree, and it is told", async () => {
    writeServing(directory, serving("c"));
    writeBaseline(directory, baseline("a", "d"));
    const reports = await reconcilePointers(directory, database.db);
    expect(reports).toMatchObject([
      { outcome: "settled", database: { releaseDigest: digest("b") }, file: { sha: sha("c") } },
      { outcome: "settled", database: { releaseDigest: digest("a") }, file: { sha: sha("d") } },
    ]);
    expect(reports[0].problem).toContain("the file counts");
    const again = await reconcilePointers(directory, database.db);
    expect(again.map(({ outcome }) => outcome)).toEqual(["agreed", "agreed"]);
  });

  it("are never put in the place of a file that is not there", async () => {
    const before = await readAgentState(database.db, "self_extension:known_good_baseline");
    writeFileSync(join(directory, "baseline.json"), "{");
    const reports = await reconcilePointers(directory, database.db);
    expect(reports).toMatchObject([
      { outcome: "unknown", file: null, database: { releaseDigest: digest("c") } },
      { outcome: "unknown", file: null, database: { releaseDigest: digest("d") } },
    ]);
    expect(await readAgentState(database.db, "self_extension:known_good_baseline")).toEqual(before);
    expect(readdirSync(directory)).toEqual(["baseline.json"]);
  });

  it("are mended where the row is malformed or gone", async () => {
    const row = await readAgentState(database.db, "self_extension:known_good_baseline");
    await compareAndSetAgentState(database.db, "self_extension:known_good_baseline", {
      expectedVersion: row?.version ?? null,
      value: "nonsense",
    });
    const admin = database.openAdmin();
    await admin`delete from agent_state where key = 'self_extension:pipeline_status'`;
    await admin.end();
    writeServing(directory, serving("e"));
    writeBaseline(directory, baseline("e"));
    const reports = await reconcilePointers(directory, database.db);
    expect(reports.map(({ outcome, database: said }) => [outcome, said])).toEqual([
      ["settled", null],
      ["settled", null],
    ]);
  });

  it("lie beside the base last seen without losing it, nor the other way round", async () => {
    await rememberBase(database.db, sha("9"));
    await mirrorServing(database.db, serving("b"));
    await rememberBase(database.db, sha("8"));
    writeServing(directory, serving("b"));
    const [report] = await reconcilePointers(directory, database.db);
    expect(report.outcome).toBe("agreed");
    expect(await lastSeenBase(database.db)).toBe(sha("8"));
  });
});

function serving(letter: string): ServingPointer {
  return {
    version: 1,
    releaseDigest: digest(letter),
    sha: sha(letter),
    treeSha: sha(letter),
    runId: null,
    cause: "first",
    since: "2026-01-02T03:04:05.000Z",
  };
}

/** A baseline after these were blessed, one after the other. */
function baseline(...letters: string[]): BaselinePointer {
  const [first = "a", ...rest] = letters;
  return rest.reduce(
    (pointer, letter) => withBlessed(pointer, aBlessedRelease(letter)),
    withBlessed(null, aBlessedRelease(first)),
  );
}
