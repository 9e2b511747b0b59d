import { createHash } from "node:crypto";
import { and, eq, isNotNull } from "drizzle-orm";
import type { JarvisDatabase } from "./connection.ts";
import { blobs } from "./schema/index.ts";

/** `emptied`: it was there and retention or a redaction took the content; its size is still known. */
export type BlobContent =
  | { content: Uint8Array; mediaType: string }
  | { emptied: true; size: number; mediaType: string };

/**
 * Stores bytes under their digest and answers it (`sha256:<hex>`). Storing the same bytes again
 * changes nothing: content that was emptied stays emptied, so that a redaction holds.
 */
export async function putBlob(
  db: JarvisDatabase,
  bytes: Uint8Array,
  mediaType: string,
): Promise<string> {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await db
    .insert(blobs)
    .values({ digest, size: bytes.byteLength, content: bytes, mediaType })
    .onConflictDoNothing();
  return digest;
}

/** Null when there never was such a blob. */
export async function getBlob(db: JarvisDatabase, digest: string): Promise<BlobContent | null> {
  const [row] = await db.select().from(blobs).where(eq(blobs.digest, digest));
  if (row === undefined) return null;
  const { content, size, mediaType } = row;
  return content === null ? { emptied: true, size, mediaType } : { content, mediaType };
}

/** Takes the content and keeps the row. Answers whether there was content to take. */
export async function emptyBlob(db: JarvisDatabase, digest: string): Promise<boolean> {
  const emptied = await db
    .update(blobs)
    .set({ content: null })
    .where(and(eq(blobs.digest, digest), isNotNull(blobs.content)))
    .returning({ digest: blobs.digest });
  return emptied.length > 0;
}
