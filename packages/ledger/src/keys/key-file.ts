import { createPrivateKey, createPublicKey, generateKeyPairSync, hash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "@jarvis/db";
import { LedgerError } from "../errors.ts";
import { noteVerifier, type NoteSigner } from "../notes/signed-note.ts";

/** Where the ledger's own files lie in a state directory. */
export function ledgerDirectory(stateDirectory: string): string {
  const directory = join(stateDirectory, "ledger");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** `next`: made and not yet known to be recorded in the ledger. */
type Place = "key" | "next";

const keyPath = (stateDirectory: string, place: Place): string =>
  join(ledgerDirectory(stateDirectory), place === "key" ? "key.pem" : "key.next.pem");

/**
 * The key that signs checkpoints and evidence; null where there is none. `origin` is the name of the
 * ledger it signs for; of a ledger that has no key yet, null: its first key gives it its name.
 * @throws LedgerError `key-unsafe` where somebody else could have read it.
 */
export function readSigningKey(
  stateDirectory: string,
  origin: string | null,
  place: Place = "key",
): NoteSigner | null {
  const path = keyPath(stateDirectory, place);
  if (!existsSync(path)) return null;
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) !== 0 || (process.getuid !== undefined && uid !== process.getuid())) {
    throw new LedgerError(
      "key-unsafe",
      `The ledger's key ${path} may be read by others: run chmod 600 '${path}', then jarvis ledger rotate-key --reason TEXT.`,
    );
  }
  try {
    const privateKey = createPrivateKey(readFileSync(path, "utf8"));
    return signerOf(privateKey, origin);
  } catch (cause) {
    throw new LedgerError(
      "key-missing",
      `The ledger's key ${path} cannot be read: restore it from a backup of the state directory.`,
      { cause },
    );
  }
}

/** Makes a key and stores it beside the one in use, which goes on counting until `adoptNextKey`. */
export function createNextKey(stateDirectory: string, origin: string | null): NoteSigner {
  const { privateKey } = generateKeyPairSync("ed25519");
  writeDurably(
    keyPath(stateDirectory, "next"),
    privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  );
  return signerOf(privateKey, origin);
}

/** The key that was made last is the one in use from now on. */
export function adoptNextKey(stateDirectory: string): void {
  renameSync(keyPath(stateDirectory, "next"), keyPath(stateDirectory, "key"));
}

function signerOf(privateKey: NoteSigner["privateKey"], origin: string | null): NoteSigner {
  const publicKey = createPublicKey(privateKey);
  const name = origin ?? ledgerNamedBy(publicKey);
  return { ...noteVerifier(name, publicKey), privateKey };
}

/** The name of the ledger that begins with this key. */
export function ledgerNamedBy(publicKey: NoteSigner["publicKey"]): string {
  return `jarvis.local/ledger/${fingerprint(publicKey)}`;
}

function fingerprint(publicKey: NoteSigner["publicKey"]): string {
  return hash("sha256", publicKey.export({ type: "spki", format: "der" }), "hex").slice(0, 16);
}
