import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

import { SandboxError } from "./errors.ts";
import { openDirectory, openFailure, walkDirectory } from "./walk-directory.ts";

export interface OutputFile {
  /** Relative to the directory, with slashes. */
  path: string;
  /** As git writes it. */
  mode: "100644" | "100755";
  size: number;
  /** Lower-case hexadecimal. */
  sha256: string;
}

const chunkBytes = 1024 * 1024;

/**
 * Lists what a sandbox left in an output directory, by digest, sorted by path. The directory is
 * hostile: anything but plain files and directories, and anything beyond the limits, throws
 * SandboxError, because a partial list would be believed. Nothing may be writing there any more.
 */
export async function collectOutput(
  directory: string,
  limits: { files: number; bytes: number },
): Promise<OutputFile[]> {
  const files: OutputFile[] = [];
  let entries = 0;
  let bytes = 0;
  for (const { path, handle, stats } of walkDirectory(directory)) {
    refuseOddName(path);
    // Directories count too: a million empty ones are also a flood.
    if (++entries > limits.files) {
      throw new SandboxError("too-many-files", `More than ${limits.files} files in the output.`);
    }
    if (stats.isDirectory()) continue;
    bytes += stats.size;
    if (bytes > limits.bytes) throw tooManyBytes(limits.bytes);
    refuseOddFile(stats, path);
    files.push(hashFile(handle, path, stats.size));
    await nextTurn();
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * The content of one file directly in an output directory, up to `maxBytes`, with the same care.
 * Throws SandboxError; a file that is not there is "missing".
 */
export function readOutputFile(
  directory: string,
  flatName: string,
  maxBytes: number,
): Promise<Buffer> {
  // Synchronous inside: a descriptor is never held across a turn in which somebody could close it.
  return new Promise((resolve) => {
    refuseOddName(flatName);
    if (flatName.includes("/") || flatName === "." || flatName === ".." || flatName === "") {
      throw new SandboxError(
        "unsafe-name",
        `${JSON.stringify(flatName)} is not a plain file name.`,
      );
    }
    const parent = openDirectory(directory, directory);
    try {
      resolve(readFileCarefully(`/proc/self/fd/${parent}/${flatName}`, flatName, maxBytes));
    } finally {
      closeSync(parent);
    }
  });
}

function readFileCarefully(place: string, name: string, maxBytes: number): Buffer {
  const descriptor = openFile(place, name);
  try {
    const stats = fstatSync(descriptor);
    refuseOddFile(stats, name);
    if (stats.size > maxBytes) throw tooManyBytes(maxBytes);
    const content = Buffer.alloc(stats.size);
    let length = 0;
    while (length < content.length) {
      const read = readSync(descriptor, content, length, content.length - length, length);
      if (read === 0) throw changed(name);
      length += read;
    }
    return content;
  } finally {
    closeSync(descriptor);
  }
}

function hashFile(place: string, name: string, expectedBytes: number): OutputFile {
  const descriptor = openFile(place, name);
  try {
    const stats = fstatSync(descriptor);
    refuseOddFile(stats, name);
    const hash = createHash("sha256");
    const chunk = Buffer.alloc(Math.min(chunkBytes, Math.max(1, expectedBytes + 1)));
    let size = 0;
    for (;;) {
      const read = readSync(descriptor, chunk, 0, chunk.length, size);
      if (read === 0) break;
      size += read;
      if (size > expectedBytes) throw changed(name);
      hash.update(chunk.subarray(0, read));
    }
    if (size !== expectedBytes) throw changed(name);
    const mode = (stats.mode & 0o100) === 0 ? "100644" : "100755";
    return { path: name, mode, size, sha256: hash.digest("hex") };
  } finally {
    closeSync(descriptor);
  }
}

/** O_NOFOLLOW: a planted link leads nowhere. O_NONBLOCK: a planted FIFO does not make us wait. */
function openFile(place: string, name: string): number {
  try {
    return openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw openFailure(error, name);
  }
}

function refuseOddFile(stats: Stats, name: string): void {
  const shown = JSON.stringify(name);
  if (stats.isSymbolicLink()) throw new SandboxError("symlink", `${shown} is a symbolic link.`);
  if (!stats.isFile()) throw new SandboxError("special-file", `${shown} is not a regular file.`);
  if (stats.nlink > 1) throw new SandboxError("hard-link", `${shown} has ${stats.nlink} names.`);
}

/** A name that is not UTF-8 arrives as U+FFFD; control characters make listings lie. */
function refuseOddName(name: string): void {
  if (/[\p{Cc}\u{FFFD}]/u.test(name)) {
    throw new SandboxError(
      "unsafe-name",
      `${JSON.stringify(name)} holds control characters or is not UTF-8.`,
    );
  }
}

function tooManyBytes(limit: number): SandboxError {
  return new SandboxError("too-many-bytes", `More than ${limit} bytes in the output.`);
}

function changed(name: string): SandboxError {
  return new SandboxError(
    "changed-while-read",
    `${JSON.stringify(name)} changed while it was read.`,
  );
}
