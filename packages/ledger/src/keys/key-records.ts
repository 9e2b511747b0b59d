import { sign, verify } from "node:crypto";
import type { JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { LedgerError } from "../errors.ts";
import {
  decodeVerifier,
  encodeVerifier,
  fromBase64,
  type NoteSigner,
  type NoteVerifier,
} from "../notes/signed-note.ts";
import { appendRecord, readRecords } from "../store/records.ts";
import { adoptNextKey, createNextKey, readSigningKey } from "./key-file.ts";

const keyData = z.object({
  /** `<name>+<key id>+<base64>`, as C2SP writes it. */
  verifier: z.string(),
  /** What vouches for it: the signature of the key before it. Null for the first, and after a loss. */
  introducedBy: z.object({ keyId: z.string(), signature: z.string() }).nullable(),
  reason: z.string(),
});

/** A key as the ledger knows it. */
export interface RecordedKey {
  readonly recordId: number;
  readonly verifier: NoteVerifier;
  /** `first`: what trust begins with. `unvouched`: nobody who held the key before has signed for it. */
  readonly standing: "first" | "introduced" | "unvouched";
}

/** Every key of the ledger, oldest first. @throws LedgerError `ledger-mismatch` */
export async function readKeys(db: JarvisDatabase): Promise<RecordedKey[]> {
  const rows = await readRecords(db, "key_added");
  return keysOf(rows.map(({ id, data }) => ({ recordId: id, data })));
}

/** Keys out of records, in their order, each judged by those before it. */
export function keysOf(records: readonly { recordId: number; data: unknown }[]): RecordedKey[] {
  const keys: RecordedKey[] = [];
  for (const { recordId, data } of records) {
    const parsed = keyData.safeParse(data);
    if (!parsed.success) {
      throw new LedgerError(
        "ledger-mismatch",
        `Record ${recordId} of the ledger names a key that cannot be read: run \`jarvis ledger verify\`.`,
      );
    }
    const verifier = decodeVerifier(parsed.data.verifier);
    keys.push({ recordId, verifier, standing: standingOf(keys, verifier, parsed.data) });
  }
  return keys;
}

function standingOf(
  before: readonly RecordedKey[],
  verifier: NoteVerifier,
  { introducedBy }: z.infer<typeof keyData>,
): RecordedKey["standing"] {
  if (before.length === 0) return "first";
  const voucher = before.find((key) => key.verifier.keyId === introducedBy?.keyId);
  const signature = introducedBy === null ? null : fromBase64(introducedBy.signature);
  if (voucher === undefined || signature === null || voucher.standing === "unvouched") {
    return "unvouched";
  }
  return verify(null, introduction(verifier), voucher.verifier.publicKey, signature)
    ? "introduced"
    : "unvouched";
}

function introduction(verifier: NoteVerifier): Buffer {
  return Buffer.from(`jarvis ledger key\n${encodeVerifier(verifier)}\n`);
}

/**
 * The key of this state directory, which is the newest the ledger names. A ledger without a key gets
 * one; both the file and the record may be missing after a crash in between.
 * A kernel that takes the ledger over from one with another state directory signs with its own key
 * of before, or adds one; nobody has introduced that one, and every verification says so.
 * @throws LedgerError `key-missing` where the ledger has a key and this directory another or none.
 */
export async function openSigningKey(
  db: JarvisDatabase,
  stateDirectory: string,
  { takesOver = false }: { readonly takesOver?: boolean } = {},
): Promise<NoteSigner> {
  const opened = await open(db, stateDirectory, takesOver);
  if (opened !== null) return opened;
  return await rotateSigningKey(db, stateDirectory, {
    actor: "kernel",
    reason: "a kernel with another state directory leads now",
    lost: true,
  });
}

/** Null where this directory has no key of the ledger, and takes the ledger over. */
async function open(
  db: JarvisDatabase,
  stateDirectory: string,
  takesOver: boolean,
): Promise<NoteSigner | null> {
  return await db.transaction(async (tx) => {
    await lockKeys(tx);
    const keys = await readKeys(tx);
    const origin = keys[0]?.verifier.name ?? null;
    const signer = readSigningKey(stateDirectory, origin);
    const newest = keys.at(-1);
    if (newest === undefined) {
      const first = signer ?? newSigningKey(stateDirectory);
      await recordKey(tx, first, null, { actor: "kernel", reason: "the first key" });
      return first;
    }
    if (signer?.keyId === newest.verifier.keyId) return signer;
    // A rotation that was recorded and then cut off before the file took its place.
    const next = readSigningKey(stateDirectory, origin, "next");
    if (next?.keyId === newest.verifier.keyId) {
      adoptNextKey(stateDirectory);
      return next;
    }
    if (takesOver) {
      const isKnown = keys.some(({ verifier }) => verifier.keyId === signer?.keyId);
      return isKnown ? signer : null;
    }
    throw new LedgerError(
      "key-missing",
      `The ledger is signed with key ${newest.verifier.keyId} and this state directory holds ${signer?.keyId ?? "none"}: restore ledger/key.pem from a backup of it, or run \`jarvis ledger rotate-key --lost --reason TEXT\`.`,
    );
  });
}

/**
 * Replaces the key. The key before it signs for the new one; `lost` goes without that, and every
 * verification will say so from then on.
 */
export async function rotateSigningKey(
  db: JarvisDatabase,
  stateDirectory: string,
  change: { readonly actor: string; readonly reason: string; readonly lost: boolean },
): Promise<NoteSigner> {
  const fresh = await db.transaction(async (tx) => {
    await lockKeys(tx);
    const newest = (await readKeys(tx)).at(-1);
    const origin = newest?.verifier.name ?? null;
    const old = change.lost ? null : readSigningKey(stateDirectory, origin);
    if (newest !== undefined && !change.lost && old?.keyId !== newest.verifier.keyId) {
      throw new LedgerError(
        "key-missing",
        `Only the key ${newest.verifier.keyId} can introduce the next one, and it is not here: restore ledger/key.pem, or add --lost.`,
      );
    }
    const signer = createNextKey(stateDirectory, origin);
    await recordKey(tx, signer, newest === undefined ? null : old, change);
    return signer;
  });
  adoptNextKey(stateDirectory);
  return fresh;
}

function newSigningKey(stateDirectory: string): NoteSigner {
  const signer = createNextKey(stateDirectory, null);
  adoptNextKey(stateDirectory);
  return signer;
}

async function recordKey(
  tx: JarvisDatabase,
  signer: NoteSigner,
  voucher: NoteSigner | null,
  { actor, reason }: { actor: string; reason: string },
): Promise<void> {
  const data: z.infer<typeof keyData> = {
    verifier: encodeVerifier(signer),
    introducedBy:
      voucher === null
        ? null
        : {
            keyId: voucher.keyId,
            signature: sign(null, introduction(signer), voucher.privateKey).toString("base64"),
          },
    reason,
  };
  await appendRecord(tx, { kind: "key_added", actor, data });
}

async function lockKeys(tx: JarvisDatabase): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('jarvis ledger keys', 0))`);
}
