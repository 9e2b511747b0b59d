import { mkdirSync } from "node:fs";
import { asc, inArray } from "drizzle-orm";
import { selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { emptyRecord } from "../health/baseline-record.ts";
import { parseRow, type LifecycleEvent } from "../lifecycle-events.ts";
import { readMirroredBaseline } from "./mirror-pointers.ts";
import {
  EARLIER,
  forgetServing,
  readBaseline,
  writeBaseline,
  type BlessedRelease,
} from "./pointers.ts";

/**
 * Takes over the pointers of a kernel that led with another state directory: what is blessed is what
 * database and ledger say, and what serves follows from it. Files of an earlier leadership of this
 * directory are older than that. Releases themselves are built again where they are needed, under
 * the same digest.
 *
 * Answers whether the files changed. Nothing is written where nothing was ever blessed.
 */
export async function restorePointers(directory: string, db: JarvisDatabase): Promise<boolean> {
  const current = await readMirroredBaseline(db);
  if (current === null) return false;
  const reading = readBaseline(directory);
  if (reading.known && reading.value.current.releaseDigest === current.releaseDigest) return false;
  const known = await blessedInLedger(db, current.releaseDigest);
  const index = known.findIndex(({ releaseDigest }) => releaseDigest === current.releaseDigest);
  const [blessed, ...earlier] = known.slice(index);
  if (index === -1 || blessed === undefined) return false;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  forgetServing(directory);
  writeBaseline(directory, { version: 1, current: blessed, earlier: earlier.slice(0, EARLIER) });
  return true;
}

/** Every release that was blessed and that nobody went back from, and the current one; the newest first. */
async function blessedInLedger(
  db: JarvisDatabase,
  currentDigest: string,
): Promise<BlessedRelease[]> {
  const { eventType, id } = selfExtensionEvents;
  const rows = await db
    .select()
    .from(selfExtensionEvents)
    .where(inArray(eventType, ["health_window_passed", "baseline_blessed", "rollback_started"]))
    .orderBy(asc(id));
  const windows = new Map<string, BlessedRelease["window"]>();
  let blessed: BlessedRelease[] = [];
  for (const event of rows.map(parseRow)) {
    if (event.type === "health_window_passed") {
      const { releaseDigest, window: number, facts } = event.payload;
      windows.set(releaseDigest, { number, facts });
    }
    if (event.type === "rollback_started") {
      const { fromReleaseDigest } = event.payload;
      // A way back that failed leaves the current one where it is.
      blessed = blessed.filter(
        ({ releaseDigest }) =>
          releaseDigest !== fromReleaseDigest || releaseDigest === currentDigest,
      );
    }
    if (event.type === "baseline_blessed") {
      const release = releaseOf(event, windows.get(event.payload.releaseDigest) ?? null);
      const others = blessed.filter(({ releaseDigest }) => releaseDigest !== release.releaseDigest);
      blessed = [release, ...others];
    }
  }
  return blessed;
}

function releaseOf(
  { runId, payload }: Extract<LifecycleEvent, { type: "baseline_blessed" }>,
  window: BlessedRelease["window"],
): BlessedRelease {
  const { releaseDigest, sha, treeSha, occurredAt } = payload;
  return {
    releaseDigest,
    sha,
    treeSha,
    runId,
    window,
    record: window?.facts.record ?? emptyRecord,
    blessedAt: occurredAt,
  };
}
