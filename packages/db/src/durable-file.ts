import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Puts a file in place so that a crash at any moment leaves the old content or the new one, whole:
 * written beside it, flushed, renamed, and the directory flushed. Only its owner may read it. Synchronous, so that in one process
 * no other write comes between. Throws what the file system says, and leaves nothing behind.
 */
export function writeDurably(path: string, content: string): void {
  const scratch = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    const descriptor = openSync(scratch, "wx", 0o600);
    try {
      writeAll(descriptor, Buffer.from(content), 0);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(scratch, path);
  } catch (error) {
    rmSync(scratch, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}

/** Writes every byte at a position: a single write may take fewer where the disk is nearly full. */
export function writeAll(descriptor: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
  }
}

/** Makes names that were added to or removed from a directory last. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
