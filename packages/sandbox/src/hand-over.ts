import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  openSync,
} from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

import { SandboxError } from "./errors.ts";
import { openDirectory, walkDirectory } from "./walk-directory.ts";

/**
 * Makes a directory and what is in it fit to be written by the sandbox: as root, by giving it to
 * the sandbox's user. A file with more than one name is refused, because its other name may be in a
 * package store or on the host, and would be written, or change hands, with it.
 */
export async function handOver(directory: string, userId: number | undefined): Promise<void> {
  const root = openDirectory(directory, directory);
  try {
    if (userId !== undefined && fstatSync(root).uid !== userId) fchownSync(root, userId, userId);
  } finally {
    closeSync(root);
  }
  let seen = 0;
  for (const { path, handle, stats } of walkDirectory(directory)) {
    if (!stats.isDirectory() && stats.nlink > 1) {
      throw new SandboxError(
        "hard-link",
        `${JSON.stringify(path)} in ${directory} has ${stats.nlink} names; a writable directory may not hold hard links.`,
      );
    }
    if (userId !== undefined && (stats.uid !== userId || stats.gid !== userId)) {
      lchownSync(handle, userId, userId);
    }
    if (++seen % 512 === 0) await nextTurn();
  }
}

/**
 * Lets the sandbox's user into a read-only source that keeps others out, as every directory from
 * `mkdtemp` does: by the group of that one directory or file, so that nobody else gains anything.
 * What lies deeper is left alone and must be readable by everyone.
 */
export function letIn(source: string, userId: number): void {
  const descriptor = openSync(
    source,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    const stats = fstatSync(descriptor);
    const needed = stats.isDirectory() ? 0o5 : 0o4;
    if ((stats.mode & needed) === needed) return;
    fchownSync(descriptor, stats.uid, userId);
    fchmodSync(descriptor, (stats.mode & 0o7777) | (needed << 3));
  } finally {
    closeSync(descriptor);
  }
}
