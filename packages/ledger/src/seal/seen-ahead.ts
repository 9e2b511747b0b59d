import type { JarvisDatabase } from "@jarvis/db";
import { ownKeyId, readKeys } from "../keys/key-records.ts";
import { isOfLedger, type Anchor } from "../notes/anchor.ts";
import { newestCheckpoint } from "../store/tree-store.ts";
import { givenUpBy, readAbandoned, type Head } from "./abandoned-history.ts";
import { readNewestSeen } from "./newest-seen.ts";

/** What tells apart the ledger's own checkpoints that still count. */
interface Ledger {
  readonly db: JarvisDatabase;
  readonly stateDirectory: string;
}

/**
 * The largest checkpoint that was seen of this ledger and that the tree has not reached: what is
 * sealed before it is gone into would be another history.
 */
export async function seenAhead(
  ledger: Ledger,
  anchors: readonly Anchor[],
): Promise<Anchor | null> {
  const origin = (await readKeys(ledger.db))[0]?.verifier.name ?? null;
  const size = (await newestCheckpoint(ledger.db))?.size ?? 0;
  const isGivenUp = await readGivenUp(ledger);
  const ahead = anchors
    .filter((anchor) => isOfLedger(anchor, origin))
    .filter((anchor) => anchor.size > size && !isGivenUp(anchor));
  return ahead.toSorted((a, b) => b.size - a.size)[0] ?? null;
}

/** Answers whether somebody went back behind a checkpoint, by what the ledger says now. */
export async function readGivenUp({
  db,
  stateDirectory,
}: Ledger): Promise<(checkpoint: Head) => boolean> {
  const own = await ownKeyId(db, stateDirectory);
  return givenUpBy(await readAbandoned(db, await readKeys(db), own));
}

/**
 * Whether this state directory has seen the ledger before, or there is nothing yet to be seen. One
 * that has not cannot tell a ledger that was set back.
 */
export async function isKnownHere({ db, stateDirectory }: Ledger): Promise<boolean> {
  if (readNewestSeen(stateDirectory) !== null) return true;
  return (await newestCheckpoint(db)) === null && (await ownKeyId(db, stateDirectory)) === null;
}
