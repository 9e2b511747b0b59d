import { LedgerError } from "../errors.ts";
import { HASH_BYTES } from "../merkle/hashes.ts";
import type { TreeHead } from "../merkle/verify-proof.ts";
import {
  fromBase64,
  openNote,
  signNote,
  type NoteSigner,
  type NoteVerifier,
} from "./signed-note.ts";

/** A signed statement of a ledger's size and root (C2SP tlog-checkpoint). */
export interface Checkpoint extends TreeHead {
  /** Names the ledger; its key's name too. */
  readonly origin: string;
  /** The whole signed note, as it is stored and pushed. */
  readonly note: string;
  readonly keyId: string;
}

export function signCheckpoint(tree: TreeHead, signer: NoteSigner): Checkpoint {
  const text = `${signer.name}\n${tree.size}\n${tree.root.toString("base64")}\n`;
  const note = signNote(text, signer);
  return { ...tree, origin: signer.name, note, keyId: signer.keyId };
}

/**
 * A checkpoint out of a note that one of the keys signed.
 * @throws LedgerError `malformed-note`, also where the origin is not the name of the key.
 */
export function openCheckpoint(note: string, verifiers: readonly NoteVerifier[]): Checkpoint {
  const { text, signedBy } = openNote(note, verifiers);
  const tree = readTreeHead(text);
  if (tree.origin !== signedBy.name) {
    throw malformed(`its origin is ${tree.origin}, its key is of ${signedBy.name}`);
  }
  return { ...tree, note, keyId: signedBy.keyId };
}

/** What a checkpoint says, without looking at who signed it. */
export function readTreeHead(note: string): TreeHead & { readonly origin: string } {
  const [origin = "", sizeText = "", rootText = ""] = note.split("\n");
  const size = Number(sizeText);
  const root = fromBase64(rootText);
  if (origin === "") throw malformed("it names no origin");
  // No leading zeros: one size has one text.
  if (!/^(0|[1-9]\d*)$/.test(sizeText) || !Number.isSafeInteger(size)) {
    throw malformed(`"${sizeText.slice(0, 30)}" is no size`);
  }
  if (root === null || root.length !== HASH_BYTES) throw malformed("its root is no SHA-256 hash");
  return { origin, size, root };
}

function malformed(what: string): LedgerError {
  return new LedgerError("malformed-note", `The checkpoint cannot be used: ${what}.`);
}
