import type { JarvisDatabase } from "@jarvis/db";
import { LedgerError } from "../errors.ts";
import { readKeys } from "../keys/key-records.ts";
import { rootAt } from "../merkle/build-proof.ts";
import { Frontier } from "../merkle/frontier.ts";
import { openCheckpoint, readTreeHead } from "../notes/checkpoint.ts";
import {
  newestCheckpoint,
  readFrontier,
  readTreeSize,
  storedSubtrees,
  type StoredCheckpoint,
} from "../store/tree-store.ts";
import type { KnownTree, SealedTree } from "./sealed-tree.ts";

/**
 * The tree as the database has it, which has to be what its newest checkpoint says, signed by a key
 * of the ledger, and to go on from what this process or state directory has seen before.
 * @throws LedgerError `ledger-mismatch`, `ledger-behind`
 */
export async function loadTree(db: JarvisDatabase, known: KnownTree | null): Promise<SealedTree> {
  const newest = await newestCheckpoint(db);
  if (known !== null && "frontier" in known && newest?.note === known.checkpoint?.note)
    return known;
  const size = await readTreeSize(db);
  if (newest === null) {
    if (size > 0) throw mismatch(`it has ${size} leaves and no checkpoint`);
    if (known?.checkpoint != null) throw behind(known.checkpoint.size, 0);
    return { frontier: new Frontier(), checkpoint: null };
  }
  const verifiers = (await readKeys(db)).map(({ verifier }) => verifier);
  const signed = openCheckpoint(newest.note, verifiers);
  if (known?.checkpoint != null) await requireContinuation(db, known.checkpoint, newest);
  if (signed.size !== newest.size || signed.size !== size) {
    throw mismatch(
      `it has ${size} leaves and its newest checkpoint, stored as ${newest.size}, is of ${signed.size}`,
    );
  }
  const frontier = await readFrontier(db, size);
  if (!frontier.root().equals(signed.root)) {
    throw mismatch(`its leaves do not give the root of the checkpoint of size ${size}`);
  }
  return { frontier, checkpoint: newest };
}

/** What was seen before has to be the beginning of what is there now. */
async function requireContinuation(
  db: JarvisDatabase,
  seen: StoredCheckpoint,
  newest: StoredCheckpoint,
): Promise<void> {
  if (newest.size < seen.size) throw behind(seen.size, newest.size);
  const root = await rootAt(storedSubtrees(db), seen.size);
  if (!root.equals(readTreeHead(seen.note).root)) {
    throw mismatch(`its first ${seen.size} leaves are not those of the checkpoint seen before`);
  }
}

function behind(seen: number, found: number): LedgerError {
  return new LedgerError(
    "ledger-behind",
    `The ledger ends at ${found} events, and a checkpoint of ${seen} was seen before: restore a newer backup, or go on from here with \`jarvis recover --accept-restore --reason TEXT\`.`,
  );
}

function mismatch(what: string): LedgerError {
  return new LedgerError(
    "ledger-mismatch",
    `The ledger is not what was sealed: ${what}; run \`jarvis ledger verify\` to see which event differs.`,
  );
}
