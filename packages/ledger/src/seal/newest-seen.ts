import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "@jarvis/db";
import { LedgerError } from "../errors.ts";
import { ledgerDirectory } from "../keys/key-file.ts";
import { anchorIn, type Anchor } from "../notes/anchor.ts";
import { readTreeHead } from "../notes/checkpoint.ts";
import type { StoredCheckpoint } from "../store/tree-store.ts";

/*
 * The newest checkpoint that this state directory has seen, outside of the database: a database
 * that knows less, or something else, was set back or rewritten.
 */

const pathIn = (stateDirectory: string): string =>
  join(ledgerDirectory(stateDirectory), "checkpoint");

/** Null where there is none yet. @throws LedgerError `malformed-note` where it cannot be read. */
export function readNewestSeen(stateDirectory: string): StoredCheckpoint | null {
  const path = pathIn(stateDirectory);
  if (!existsSync(path)) return null;
  const note = readFileSync(path, "utf8");
  try {
    return { size: readTreeHead(note).size, note };
  } catch (cause) {
    throw new LedgerError(
      "malformed-note",
      `The file ${path} holds no checkpoint: compare the ledger with the checkpoints in the repository (\`jarvis ledger verify\`), then remove it.`,
      { cause },
    );
  }
}

/** What this state directory has seen, for a verification. @throws LedgerError `malformed-note` */
export function seenHere(stateDirectory: string): Anchor[] {
  const seen = readNewestSeen(stateDirectory);
  return seen === null ? [] : [{ ...anchorIn(seen.note, "the state directory"), isOwn: true }];
}

/** What was seen belongs to a history that was given up. */
export function forgetNewestSeen(stateDirectory: string): void {
  rmSync(pathIn(stateDirectory), { force: true });
}

export function writeNewestSeen(stateDirectory: string, { note }: StoredCheckpoint): void {
  writeDurably(pathIn(stateDirectory), note);
}
