import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { aBlessedRelease, healthEvent } from "../../testing/health.ts";
import { promoted, proposed, tested } from "../../testing/lifecycle.ts";
import { blessBaseline } from "../baseline.ts";
import { appendSelfExtensionEvent } from "../lifecycle-events.ts";
import { mirrorBaseline } from "./mirror-pointers.ts";
import { readBaseline, readServing, withoutCurrent, writeServing } from "./pointers.ts";
import { restorePointers } from "./restore-pointers.ts";

let database: TestDatabase;
let root: string;

beforeAll(async () => {
  database = await createTestDatabase();
  root = mkdtempSync(join(tmpdir(), "jarvis-restore-"));
});

afterAll(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

describe("the pointers of a kernel that takes over", () => {
  const led = (): string => join(root, "led");
  const followed = (): string => join(root, "followed");

  it("are nothing where nothing was blessed", async () => {
    expect(await restorePointers(followed(), database.db)).toBe(false);
    expect(readBaseline(followed())).toMatchObject({ known: false, problem: "missing" });
  });

  it("say what the other blessed, with all that is known of it and the way back", async () => {
    mkdirSync(led());
    for (const letter of ["a", "b"]) await bless(letter);
    expect(await restorePointers(followed(), database.db)).toBe(true);
    expect(readBaseline(followed())).toEqual(readBaseline(led()));
    // A second time there is nothing to do.
    expect(await restorePointers(followed(), database.db)).toBe(false);
  });

  it("forget what an earlier leadership of the directory left, and what was gone back from", async () => {
    const { releaseDigest, sha, treeSha } = aBlessedRelease("a");
    const since = new Date().toISOString();
    const runId = null;
    writeServing(followed(), {
      version: 1,
      releaseDigest,
      sha,
      treeSha,
      runId,
      cause: "promoted",
      since,
    });
    await bless("c");
    await append(
      healthEvent("run-c", "rollback_started", {
        payload: { fromReleaseDigest: aBlessedRelease("c").releaseDigest },
      }),
    );
    const reading = readBaseline(led());
    if (!reading.known) throw new Error("expected a baseline");
    const before = withoutCurrent(reading.value);
    if (before === null) throw new Error("expected an earlier one");
    await mirrorBaseline(database.db, before);
    await bless("d");
    expect(await restorePointers(followed(), database.db)).toBe(true);
    const restored = readBaseline(followed());
    if (!restored.known) throw new Error(restored.detail);
    const { current, earlier } = restored.value;
    expect([current, ...earlier].map(({ runId: id }) => id)).toEqual(["run-d", "run-b", "run-a"]);
    expect(readServing(followed())).toMatchObject({ known: false, problem: "missing" });
  });

  async function bless(letter: string): Promise<void> {
    const runId = `run-${letter}`;
    await append(
      proposed(runId),
      tested(runId),
      promoted(runId),
      healthEvent(runId, "health_window_started"),
    );
    await blessBaseline({ directory: led(), db: database.db }, aBlessedRelease(letter));
  }
});

async function append(...events: Parameters<typeof appendSelfExtensionEvent>[1][]): Promise<void> {
  for (const event of events) await appendSelfExtensionEvent(database.db, event);
}
