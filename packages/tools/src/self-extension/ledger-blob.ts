import { createHash } from "node:crypto";
import { getBlob, type JarvisDatabase } from "@jarvis/db";
import { SelfExtensionError } from "./errors.ts";

/**
 * The bytes behind a digest of the ledger; null where retention has emptied them. The ledger cannot
 * be edited, the blobs beside it can: bytes that are not those of the digest throw
 * `evidence-mismatch`.
 */
export async function readLedgerBlob(db: JarvisDatabase, digest: string): Promise<Buffer | null> {
  const blob = await getBlob(db, digest);
  if (blob === null || !("content" in blob)) return null;
  const bytes = Buffer.from(blob.content);
  const found = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (found !== digest) {
    throw new SelfExtensionError(
      "evidence-mismatch",
      `the stored bytes have the digest ${found}, the ledger names ${digest}`,
    );
  }
  return bytes;
}
