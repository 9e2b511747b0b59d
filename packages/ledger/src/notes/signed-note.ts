import { createHash, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { LedgerError } from "../errors.ts";

/*
 * C2SP signed notes: text, an empty line, and one line for each signature. Ed25519 only, which is
 * signature type 1.
 */

const ED25519 = 1;
/** What a note may take; a checkpoint is below 400 bytes. */
const LIMIT_BYTES = 16_384;

/** A key that verifies notes: its name, the four bytes that name it in a signature, and the key. */
export interface NoteVerifier {
  readonly name: string;
  /** Eight hex digits. */
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

export interface NoteSigner extends NoteVerifier {
  readonly privateKey: KeyObject;
}

/** The verifier of a name and an Ed25519 public key. */
export function noteVerifier(name: string, publicKey: KeyObject): NoteVerifier {
  if (!/^[^\s+\p{Cc}]+$/u.test(name)) throw malformed("a key name is one word without a plus sign");
  const id = createHash("sha256")
    .update(Buffer.concat([Buffer.from(`${name}\n`), typedKey(publicKey)]))
    .digest();
  return { name, publicKey, keyId: id.subarray(0, 4).toString("hex") };
}

/** The verifier key as text: `<name>+<key id>+<base64 of type and key>`. */
export function encodeVerifier({ name, keyId, publicKey }: NoteVerifier): string {
  return `${name}+${keyId}+${typedKey(publicKey).toString("base64")}`;
}

/** @throws LedgerError `malformed-note` where the text is no Ed25519 verifier key. */
export function decodeVerifier(text: string): NoteVerifier {
  const found = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  const [name, keyId, encoded] = [found?.[1], found?.[2], found?.[3]];
  const bytes = encoded === undefined ? null : fromBase64(encoded);
  if (name === undefined || bytes === null || bytes.length !== 33 || bytes[0] !== ED25519) {
    throw malformed("expected a verifier key <name>+<key id>+<base64>");
  }
  const verifier = noteVerifier(name, publicKeyOf(bytes.subarray(1)));
  if (verifier.keyId !== keyId) throw malformed(`the key id ${keyId} is not that of its key`);
  return verifier;
}

/** The note with one signature. `text` has to end with a newline. */
export function signNote(text: string, signer: NoteSigner): string {
  if (!text.endsWith("\n")) throw malformed("the text of a note ends with a newline");
  const signature = sign(null, Buffer.from(text), signer.privateKey);
  const line = Buffer.concat([Buffer.from(signer.keyId, "hex"), signature]).toString("base64");
  return `${text}\n\u2014 ${signer.name} ${line}\n`;
}

/**
 * The text of a note and the verifier that signed it. Signatures of keys that are not known are
 * passed over; one of a known key that does not verify refuses the whole note.
 * @throws LedgerError `malformed-note`
 */
export function openNote(
  note: string,
  verifiers: readonly NoteVerifier[],
): { text: string; signedBy: NoteVerifier } {
  if (Buffer.byteLength(note) > LIMIT_BYTES) throw malformed("it is too long");
  // Newlines are the only control characters a note may hold.
  if (/[^\P{Cc}\n]/u.test(note)) throw malformed("it holds control characters");
  const at = note.lastIndexOf("\n\n");
  if (at < 0 || !note.endsWith("\n")) throw malformed("it has no signatures");
  const text = note.slice(0, at + 1);
  const lines = note.slice(at + 2).split("\n");
  let signedBy: NoteVerifier | null = null;
  for (const line of lines.slice(0, -1)) {
    const found = /^\u2014 ([^\s+]+) (\S+)$/u.exec(line);
    const bytes = found?.[2] === undefined ? null : fromBase64(found[2]);
    if (found === null || bytes === null || bytes.length < 5) {
      throw malformed("a signature line cannot be read");
    }
    const keyId = bytes.subarray(0, 4).toString("hex");
    const verifier = verifiers.find((known) => known.name === found[1] && known.keyId === keyId);
    if (verifier === undefined) continue;
    if (!verify(null, Buffer.from(text), verifier.publicKey, bytes.subarray(4))) {
      throw malformed(`the signature of ${verifier.name} does not fit its text`);
    }
    signedBy ??= verifier;
  }
  if (signedBy === null) throw malformed("no known key has signed it");
  return { text, signedBy };
}

function typedKey(publicKey: KeyObject): Buffer {
  const { kty, crv, x } = publicKey.export({ format: "jwk" });
  if (kty !== "OKP" || crv !== "Ed25519" || x === undefined) {
    throw malformed("expected an Ed25519 key");
  }
  return Buffer.concat([Buffer.from([ED25519]), Buffer.from(x, "base64url")]);
}

function publicKeyOf(bytes: Buffer): KeyObject {
  const x = bytes.toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** Bytes of canonical base64; null for anything else, since two texts must not mean one signature. */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : null;
}

function malformed(what: string): LedgerError {
  return new LedgerError("malformed-note", `The signed note cannot be used: ${what}.`);
}
