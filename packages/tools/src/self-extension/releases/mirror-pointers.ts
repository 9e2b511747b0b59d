import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { compareAndSetAgentState, readAgentState, type JarvisDatabase } from "@jarvis/db";
import { digest, gitSha } from "../ledger-words.ts";
import {
  readBaseline,
  readServing,
  type BaselinePointer,
  type Reading,
  type ServingPointer,
} from "./pointers.ts";

const BASELINE_KEY = "self_extension:known_good_baseline";
/** Serving is a field of the pipeline's status, beside the base last seen. */
const STATUS_KEY = "self_extension:pipeline_status";

/** What the database repeats of a pointer. */
const mirrored = z.object({
  sha: gitSha,
  treeSha: gitSha,
  releaseDigest: digest,
  at: z.string(),
  runId: z.string().nullable(),
});
export type MirroredPointer = z.infer<typeof mirrored>;

export interface PointerReport {
  readonly pointer: "serving" | "baseline";
  /**
   * `agreed`; `settled`: the database said something else and now says what the file says; `unknown`:
   * there is no file to go by, and nothing was changed.
   */
  readonly outcome: "agreed" | "settled" | "unknown";
  readonly file: MirroredPointer | null;
  /** What the database said before; null where it said nothing, or nothing that can be read. */
  readonly database: MirroredPointer | null;
  readonly problem: string | null;
}

/**
 * Makes the database repeat what the pointer files say, and reports what it said before. Where they
 * disagree the file counts, because it moves when the database cannot. A file that is missing or
 * malformed is unknown: the database's word is reported and never put in its place.
 */
export async function reconcilePointers(
  directory: string,
  db: JarvisDatabase,
): Promise<readonly [serving: PointerReport, baseline: PointerReport]> {
  return [
    await settle("serving", servingFacts(readServing(directory)), db),
    await settle("baseline", baselineFacts(readBaseline(directory)), db),
  ];
}

/** What the database says is blessed; null where it says nothing, or nothing that can be read. */
export async function readMirroredBaseline(db: JarvisDatabase): Promise<MirroredPointer | null> {
  return (await read("baseline", db)).said;
}

/** Writes a baseline into the database, in the transaction of the events that say so. */
export async function mirrorBaseline(db: JarvisDatabase, pointer: BaselinePointer): Promise<void> {
  await write("baseline", baselineOf(pointer), db);
}

export async function mirrorServing(db: JarvisDatabase, pointer: ServingPointer): Promise<void> {
  await write("serving", servingOf(pointer), db);
}

type Facts =
  | { readonly known: true; readonly value: MirroredPointer }
  | { readonly known: false; readonly detail: string };

function servingFacts(reading: Reading<ServingPointer>): Facts {
  return reading.known ? { known: true, value: servingOf(reading.value) } : reading;
}

function baselineFacts(reading: Reading<BaselinePointer>): Facts {
  return reading.known ? { known: true, value: baselineOf(reading.value) } : reading;
}

function servingOf({ sha, treeSha, releaseDigest, since, runId }: ServingPointer): MirroredPointer {
  return { sha, treeSha, releaseDigest, at: since, runId };
}

function baselineOf({ current }: BaselinePointer): MirroredPointer {
  const { sha, treeSha, releaseDigest, blessedAt, runId } = current;
  return { sha, treeSha, releaseDigest, at: blessedAt, runId };
}

async function settle(
  pointer: PointerReport["pointer"],
  file: Facts,
  db: JarvisDatabase,
): Promise<PointerReport> {
  const database = (await read(pointer, db)).said;
  if (!file.known) {
    return { pointer, outcome: "unknown", file: null, database, problem: file.detail };
  }
  if (isDeepStrictEqual(database, file.value)) {
    return { pointer, outcome: "agreed", file: file.value, database, problem: null };
  }
  await write(pointer, file.value, db);
  const problem =
    database === null
      ? `The database held no ${pointer} pointer that can be read; it was set from the file.`
      : `The database said ${database.releaseDigest} for ${pointer}, the file says ${file.value.releaseDigest}; the file counts.`;
  return { pointer, outcome: "settled", file: file.value, database, problem };
}

async function read(pointer: PointerReport["pointer"], db: JarvisDatabase) {
  const row = await readAgentState(db, pointer === "baseline" ? BASELINE_KEY : STATUS_KEY);
  const object = z.looseObject({}).safeParse(row?.value);
  const fields = object.success ? object.data : {};
  const parsed = mirrored.safeParse(pointer === "baseline" ? fields : fields["serving"]);
  return { version: row?.version ?? null, fields, said: parsed.success ? parsed.data : null };
}

/** A lost race is read and written again: the file's word is the same whoever writes it. */
async function write(
  pointer: PointerReport["pointer"],
  value: MirroredPointer,
  db: JarvisDatabase,
): Promise<void> {
  for (;;) {
    const { version, fields } = await read(pointer, db);
    const next = pointer === "baseline" ? value : { state: "idle", ...fields, serving: value };
    const key = pointer === "baseline" ? BASELINE_KEY : STATUS_KEY;
    const written = await compareAndSetAgentState(db, key, {
      expectedVersion: version,
      value: next,
    });
    if (written.outcome === "written") return;
  }
}
