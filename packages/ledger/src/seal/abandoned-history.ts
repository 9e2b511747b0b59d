import { hash, verify } from "node:crypto";
import type { JarvisDatabase } from "@jarvis/db";
import { z } from "zod";
import { retirements, trusted, type RecordedKey } from "../keys/key-records.ts";
import type { Anchor } from "../notes/anchor.ts";
import { fromBase64 } from "../notes/signed-note.ts";
import { readRecords } from "../store/records.ts";

/** History that somebody went back behind. */
export interface AbandonedHistory {
  readonly recordId: number;
  /** The newest size that is known to be of both histories. */
  readonly from: number;
  /** The largest size that was seen of the one given up. */
  readonly to: number;
  readonly reason: string;
  /** What was seen of it: these checkpoints, and no others, are not ours any more. */
  readonly checkpoints: readonly Head[];
}

/** A checkpoint without its signature. */
export type Head = Pick<Anchor, "size" | "root">;

const head = z.object({ size: z.int().positive(), root: z.string() });
const restored = z.object({
  from: z.int().nonnegative(),
  to: z.int().positive(),
  checkpoints: z.array(head).min(1),
  reason: z.string(),
  keyId: z.string(),
  signature: z.string(),
});

/**
 * Every restore that a key of the ledger has signed for, or the one of this state directory: whoever
 * holds it may have gone on without the one before. Anything else of that kind counts for nothing.
 */
export async function readAbandoned(
  db: JarvisDatabase,
  keys: readonly RecordedKey[],
  ownKeyId: string | null,
): Promise<AbandonedHistory[]> {
  const own = keys.filter(({ verifier }) => verifier.keyId === ownKeyId);
  const verifiers = [...trusted(keys), ...own].map(({ verifier }) => verifier);
  const retiring = [...retirements(keys)];
  const rows = await readRecords(db, "restored");
  return rows.flatMap(({ id, data }) => {
    const parsed = restored.safeParse(data);
    if (!parsed.success) return [];
    const { from, to, checkpoints, reason, keyId } = parsed.data;
    const signature = fromBase64(parsed.data.signature);
    const key = verifiers.find((known) => known.keyId === keyId);
    const isRetired = retiring.some(([recordId, retired]) => retired === keyId && recordId < id);
    const holds =
      key !== undefined &&
      !isRetired &&
      signature !== null &&
      verify(null, abandonStatement(key.name, { from, to, checkpoints }), key.publicKey, signature);
    return holds ? [{ recordId: id, from, to, reason, checkpoints }] : [];
  });
}

/** Answers whether a checkpoint was given up by one of these. */
export function givenUpBy(abandoned: readonly AbandonedHistory[]): (checkpoint: Head) => boolean {
  const given = new Set(abandoned.flatMap(({ checkpoints }) => checkpoints.map(headKey)));
  return (checkpoint) => given.has(headKey(checkpoint));
}

export function headKey({ size, root }: Head): string {
  return `${size} ${root}`;
}

/** What a key of the ledger signs to give checkpoints up. */
export function abandonStatement(
  origin: string,
  { from, to, checkpoints }: Pick<AbandonedHistory, "from" | "to" | "checkpoints">,
): Buffer {
  const digest = hash("sha256", checkpoints.map((each) => `${headKey(each)}\n`).join(""), "hex");
  return Buffer.from(`jarvis ledger restore\n${origin}\n${from}\n${to}\n${digest}\n`);
}
