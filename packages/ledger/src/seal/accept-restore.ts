import { sign } from "node:crypto";
import type { JarvisDatabase } from "@jarvis/db";
import { openSigningKey } from "../keys/key-records.ts";
import { rootAt } from "../merkle/build-proof.ts";
import { isOfLedger, type Anchor } from "../notes/anchor.ts";
import { appendRecord } from "../store/records.ts";
import { storedSubtrees } from "../store/tree-store.ts";
import {
  abandonStatement,
  headKey,
  type AbandonedHistory,
  type Head,
} from "./abandoned-history.ts";
import { loadTree } from "./load-tree.ts";
import { forgetNewestSeen } from "./newest-seen.ts";

/** A record takes 16 KiB. */
const CHECKPOINTS_OF_RECORD = 100;

/**
 * Goes on from a ledger that ends before checkpoints that were seen, or has grown apart from them,
 * and says so in the ledger, signed with its key: without the key nobody can make the loss of events
 * look like a restore. Each checkpoint is given up by itself; one that nobody has seen yet counts
 * when it is found.
 * Answers null where nothing was seen that it does not go on from.
 * @throws LedgerError `key-missing`; `ledger-mismatch` where what is there is not a whole ledger
 */
export async function acceptRestore(
  db: JarvisDatabase,
  stateDirectory: string,
  anchors: readonly Anchor[],
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<AbandonedHistory | null> {
  const signer = await openSigningKey(db, stateDirectory);
  const { frontier } = await loadTree(db, null);
  const ours = anchors.filter((anchor) => isOfLedger(anchor, signer.name));
  const { held, lost } = await sortOut(db, frontier.size, ours);
  const [first, newest] = [lost[0], lost.at(-1)];
  if (first === undefined || newest === undefined) return null;
  // A ledger that only ends too early has all of its tree in common with what was given up.
  const from =
    first.size > frontier.size
      ? frontier.size
      : Math.max(0, ...held.filter((size) => size < first.size));
  const to = newest.size;
  const recordIds = await db.transaction(async (tx) => {
    const ids: number[] = [];
    for (let at = 0; at < lost.length; at += CHECKPOINTS_OF_RECORD) {
      const checkpoints = lost.slice(at, at + CHECKPOINTS_OF_RECORD);
      const words = abandonStatement(signer.name, { from, to, checkpoints });
      const signature = sign(null, words, signer.privateKey).toString("base64");
      const data = { from, to, checkpoints, reason, keyId: signer.keyId, signature };
      ids.push(await appendRecord(tx, { kind: "restored", actor, data }));
    }
    return ids;
  });
  forgetNewestSeen(stateDirectory);
  return { recordId: recordIds[0] ?? 0, from, to, reason, checkpoints: lost };
}

/** The sizes at which the tree is what was seen, and the checkpoints that are none of this tree. */
async function sortOut(
  db: JarvisDatabase,
  size: number,
  anchors: readonly Anchor[],
): Promise<{ held: number[]; lost: Head[] }> {
  const reader = storedSubtrees(db);
  const held: number[] = [];
  const lost = new Map<string, Head>();
  for (const anchor of anchors) {
    const isHeld =
      anchor.size <= size && (await rootAt(reader, anchor.size)).toString("base64") === anchor.root;
    if (isHeld) held.push(anchor.size);
    else lost.set(headKey(anchor), { size: anchor.size, root: anchor.root });
  }
  return { held, lost: [...lost.values()].toSorted((a, b) => a.size - b.size) };
}
