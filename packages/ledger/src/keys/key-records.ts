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
  /** The key whose signature it carries, whatever that one's own standing is. */
  readonly voucher: string | null;
}

/** The keys of a ledger, oldest first, and the records that name one and cannot be read. */
export interface RecordedKeys {
  readonly keys: readonly RecordedKey[];
  readonly unreadable: readonly number[];
}

/** Every key of the ledger, oldest first. */
export async function readKeys(db: JarvisDatabase): Promise<readonly RecordedKey[]> {
  return (await readKeyRecords(db)).keys;
}

export async function readKeyRecords(db: JarvisDatabase): Promise<RecordedKeys> {
  const rows = await readRecords(db, "key_added");
  return keysOf(rows.map(({ id, data }) => ({ recordId: id, data })));
}

/**
 * Keys out of records, in their order, each judged by those before it. Whoever may insert can insert
 * a record that names none: it counts for nothing, or one row would end the ledger.
 */
export function keysOf(records: readonly { recordId: number; data: unknown }[]): RecordedKeys {
  const keys: RecordedKey[] = [];
  const unreadable: number[] = [];
  for (const { recordId, data } of records) {
    const parsed = keyData.safeParse(data);
    const verifier = parsed.success ? verifierIn(parsed.data.verifier) : null;
    if (!parsed.success || verifier === null) unreadable.push(recordId);
    else keys.push({ recordId, verifier, ...vouchingOf(keys, verifier, parsed.data) });
  }
  return { keys, unreadable };
}

function verifierIn(text: string): NoteVerifier | null {
  try {
    return decodeVerifier(text);
  } catch {
    return null;
  }
}

/** The keys that trust leads to: the first, and each that one of these has signed for. */
export function trusted(keys: readonly RecordedKey[]): RecordedKey[] {
  return keys.filter(({ standing }) => standing !== "unvouched");
}

function vouchingOf(
  before: readonly RecordedKey[],
  verifier: NoteVerifier,
  { introducedBy }: z.infer<typeof keyData>,
): Pick<RecordedKey, "standing" | "voucher"> {
  if (before.length === 0) return { standing: "first", voucher: null };
  // A key that has introduced another one is not in force any more, whoever holds it now.
  const voucher = before.find(
    (key) => key.verifier.keyId === introducedBy?.keyId && isInForce(before, introducedBy.keyId),
  );
  const signature = introducedBy === null ? null : fromBase64(introducedBy.signature);
  const isVouchedFor =
    voucher !== undefined &&
    signature !== null &&
    verify(null, introduction(verifier), voucher.verifier.publicKey, signature);
  if (!isVouchedFor) return { standing: "unvouched", voucher: null };
  const standing = voucher.standing === "unvouched" ? "unvouched" : "introduced";
  return { standing, voucher: voucher.verifier.keyId };
}

/** The key that this state directory holds for the ledger; null where it holds none that may be used. */
export async function ownKeyId(db: JarvisDatabase, stateDirectory: string): Promise<string | null> {
  const [first] = await readKeys(db);
  try {
    return readSigningKey(stateDirectory, first?.verifier.name ?? null)?.keyId ?? null;
  } catch (error) {
    if (error instanceof LedgerError) return null;
    throw error;
  }
}

/**
 * Whether a key is the one to sign with: the ledger names it, and it has signed for no later one. A
 * key that nobody has signed for takes no other's place; whoever may insert could add one.
 */
function isInForce(keys: readonly RecordedKey[], keyId: string | undefined): boolean {
  const isKnown = keys.some(({ verifier }) => verifier.keyId === keyId);
  return isKnown && !keys.some(({ voucher }) => voucher === keyId);
}

/** For each record that introduces a key, the id of the one that signs no more once it is sealed. */
export function retirements(keys: readonly RecordedKey[]): ReadonlyMap<number, string> {
  return new Map(
    keys.flatMap(({ recordId, voucher }) => (voucher === null ? [] : [[recordId, voucher]])),
  );
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
    // A rotation that was recorded and then cut off before the file took its place.
    const next = readSigningKey(stateDirectory, origin, "next");
    if (next !== null && isInForce(keys, next.keyId)) {
      adoptNextKey(stateDirectory);
      return next;
    }
    if (signer !== null && isInForce(keys, signer.keyId)) return signer;
    if (takesOver) return null;
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
    const keys = await readKeys(tx);
    const newest = keys.at(-1);
    const origin = newest?.verifier.name ?? null;
    // The only copy of a key that an earlier rotation recorded must not be written over.
    const next = readSigningKey(stateDirectory, origin, "next");
    if (next !== null && isInForce(keys, next.keyId)) adoptNextKey(stateDirectory);
    const old = change.lost ? null : readSigningKey(stateDirectory, origin);
    if (newest !== undefined && !change.lost && !isInForce(keys, old?.keyId)) {
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
