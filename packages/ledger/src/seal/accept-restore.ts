import { sign, verify } from "node:crypto";
import type { JarvisDatabase } from "@jarvis/db";
import { z } from "zod";
import { LedgerError } from "../errors.ts";
import { openSigningKey } from "../keys/key-records.ts";
import { fromBase64, type NoteVerifier } from "../notes/signed-note.ts";
import { appendRecord, readRecords } from "../store/records.ts";
import type { Anchor } from "../verify/report.ts";
import { loadTree } from "./load-tree.ts";
import { forgetNewestSeen, readNewestSeen } from "./newest-seen.ts";

/** History that somebody went back behind: checkpoints above `from` up to `to` are not ours any more. */
export interface AbandonedHistory {
  readonly recordId: number;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

const restored = z.object({
  from: z.int().nonnegative(),
  to: z.int().positive(),
  reason: z.string(),
  keyId: z.string(),
  signature: z.string(),
});

/**
 * Goes on from a ledger that ends before checkpoints that were seen, and says so in the ledger, signed
 * with its key: without the key nobody can make the loss of events look like a restore.
 * @throws LedgerError `key-missing`; `ledger-mismatch` where what is there is not a whole ledger
 */
export async function acceptRestore(
  db: JarvisDatabase,
  stateDirectory: string,
  anchors: readonly Anchor[],
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<AbandonedHistory> {
  const signer = await openSigningKey(db, stateDirectory);
  const { frontier } = await loadTree(db, null);
  const seen = readNewestSeen(stateDirectory);
  const sizes = anchors
    .filter(({ origin }) => origin === null || origin === signer.name)
    .map(({ size }) => size);
  const from = frontier.size;
  const to = Math.max(from, seen?.size ?? 0, ...sizes);
  const signature = sign(null, statement(signer.name, from, to), signer.privateKey);
  const recordId = await appendRecord(db, {
    kind: "restored",
    actor,
    data: { from, to, reason, keyId: signer.keyId, signature: signature.toString("base64") },
  });
  forgetNewestSeen(stateDirectory);
  return { recordId, from, to, reason };
}

/** Every restore that a key of the ledger has signed for. Anything else of that kind counts for nothing. */
export async function readAbandoned(
  db: JarvisDatabase,
  verifiers: readonly NoteVerifier[],
): Promise<AbandonedHistory[]> {
  const rows = await readRecords(db, "restored");
  return rows.flatMap(({ id, data }) => {
    const parsed = restored.safeParse(data);
    if (!parsed.success) return [];
    const { from, to, reason, keyId } = parsed.data;
    const signature = fromBase64(parsed.data.signature);
    const key = verifiers.find((known) => known.keyId === keyId);
    const holds =
      key !== undefined &&
      to > from &&
      signature !== null &&
      verify(null, statement(key.name, from, to), key.publicKey, signature);
    return holds ? [{ recordId: id, from, to, reason }] : [];
  });
}

function statement(origin: string, from: number, to: number): Buffer {
  if (to <= from) {
    throw new LedgerError("ledger-mismatch", "Nothing was seen that the ledger ends before.");
  }
  return Buffer.from(`jarvis ledger restore\n${origin}\n${from}\n${to}\n`);
}
