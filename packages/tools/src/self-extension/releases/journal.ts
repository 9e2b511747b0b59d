import { randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { syncDirectory, writeAll, writeDurably, type JarvisDatabase } from "@jarvis/db";
import { SelfExtensionError } from "../errors.ts";
import { fitName, fitPayload } from "../ledger-text.ts";
import {
  appendSelfExtensionEvent,
  lifecyclePayloads,
  type NewLifecycleEvent,
} from "../lifecycle-events.ts";
import { hashOf, journaledEvent, readJournal, type Journal, type Line } from "./journal-chain.ts";

/**
 * What happened while the database was down: one event a line, each with the hash of the line before
 * it, flushed before `appendJournal` returns. One process writes it, the holder of the state
 * directory's lock. It shows a line that was changed, removed or put in between; a file whose end was
 * cut off whole lines long looks like a shorter one, because nothing else is there to know better.
 */

export interface JournalState {
  readonly events: number;
  readonly broken: Journal["broken"];
  /** True where the file ends in half a line: an append that a crash cut off, and nobody was told of. */
  readonly torn: boolean;
}

export function inspectJournal(path: string): JournalState {
  const { lines, broken, tornBytes } = readJournal(path);
  return { events: lines.length, broken, torn: tornBytes > 0 };
}

/**
 * Appends one event and returns when it is on the disk. The payload is redacted and parsed as for the
 * ledger, so that what is journalled can be inserted later. Half a line at the end is cut off first.
 *
 * Throws `malformed-event` for a payload of the wrong shape and `journal-broken` where the chain is
 * broken: where a person has moved it aside, a new one begins.
 */
export function appendJournal(path: string, event: NewLifecycleEvent): void {
  const payload = lifecyclePayloads[event.type].safeParse(fitPayload(event.payload));
  if (!payload.success) {
    throw new SelfExtensionError(
      "malformed-event",
      `a ${event.type} event has a payload of the wrong shape: ${payload.error.message}`,
    );
  }
  const journal = readJournal(path);
  if (journal.broken !== null) throw brokenError(path, journal.broken);
  const seq = journal.seq + 1;
  const context = Object.entries(event.context).map(([key, value]) => [key, fitName(value)]);
  const kept = journaledEvent.parse({
    ...event,
    context: Object.fromEntries(context),
    payload: payload.data,
  });
  const previous = journal.hash;
  const text = JSON.stringify({ seq, previous, event: kept, hash: hashOf(seq, previous, kept) });
  const isNew = !existsSync(path);
  const descriptor = openSync(path, isNew ? "wx" : "r+", 0o600);
  try {
    // What is cut off was never acknowledged; what follows begins on a line of its own.
    ftruncateSync(descriptor, journal.wholeBytes);
    writeAll(descriptor, Buffer.from(`${text}\n`), journal.wholeBytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  if (isNew) syncDirectory(dirname(path));
}

export interface ReplayReport {
  /** Events that are in the ledger now, whether this replay or an earlier one inserted them. */
  readonly inserted: number;
  /** Events that the ledger does not take, now or ever. */
  readonly refused: readonly {
    readonly seq: number;
    readonly code: string;
    readonly detail: string;
  }[];
  /** Where the journal with what was refused is kept; null where nothing was. */
  readonly aside: string | null;
  readonly broken: Journal["broken"];
}

/**
 * Inserts what was journalled into the ledger, in order and exactly once: an event that is there
 * already is found by its idempotency key, so a replay that a crash ended is simply run again. When
 * all before it is in the ledger the journal is emptied, its chain going on from where it ended. An
 * event that the ledger refuses would keep all later ones waiting, so it does not stay: the journal
 * is copied aside before it is emptied.
 *
 * Lines from a break of the chain on are not inserted, the file is left as it is, and the break is
 * reported. A database that does not answer throws, and nothing is lost.
 */
export async function replayJournal(path: string, db: JarvisDatabase): Promise<ReplayReport> {
  const { lines, broken } = readJournal(path);
  const refused: { seq: number; code: string; detail: string }[] = [];
  for (const { seq, event } of lines) {
    try {
      // The payload was parsed with the schema of its type when it was appended, and is again here.
      await appendSelfExtensionEvent(db, event as unknown as NewLifecycleEvent);
    } catch (error) {
      if (!(error instanceof SelfExtensionError)) throw error;
      refused.push({ seq, code: error.code, detail: error.message });
    }
  }
  const last = lines.at(-1);
  let aside: string | null = null;
  if (broken === null && last !== undefined) {
    if (refused.length > 0) {
      aside = `${path}.refused-${randomUUID()}`;
      writeDurably(aside, readFileSync(path, "utf8"));
    }
    dropUpTo(path, last);
  }
  return { inserted: lines.length - refused.length, refused, aside, broken };
}

/** What was appended while the replay was under way stays. */
function dropUpTo(path: string, last: Line): void {
  const { lines } = readJournal(path);
  const rest = lines.filter(({ seq }) => seq > last.seq);
  const first = JSON.stringify({ head: 1, seq: last.seq, hash: last.hash });
  writeDurably(
    path,
    [first, ...rest.map((entry) => JSON.stringify(entry))].join("\n").concat("\n"),
  );
}

function brokenError(path: string, broken: NonNullable<Journal["broken"]>): SelfExtensionError {
  return new SelfExtensionError(
    "journal-broken",
    `line ${broken.line} of ${path} does not continue the journal: ${broken.detail}; look at it, then move it aside.`,
  );
}
