import { closeSync, constants, lstatSync, openSync, readdirSync, type Stats } from "node:fs";

import { SandboxError } from "./errors.ts";
import { errnoOf } from "./text.ts";

export interface WalkEntry {
  /** Relative to the root, with slashes. */
  path: string;
  /** A way to it that no symbolic link of the tree can bend; valid until the next entry is asked for. */
  handle: string;
  stats: Stats;
}

/** Deeper trees are only built to exhaust whoever walks them: each level holds a descriptor. */
const deepest = 64;

/**
 * Every entry below a directory that hostile code may have written, or may still be writing.
 * Directories are opened with O_NOFOLLOW and entries reached through the open descriptor, so that
 * exchanging a directory for a link at the right moment leads nowhere. Links are listed, never
 * followed. Synchronous: callers let the event loop breathe between entries.
 */
export function* walkDirectory(root: string): Generator<WalkEntry> {
  yield* walkOpened(openDirectory(root, "."), "", 1);
}

function* walkOpened(descriptor: number, prefix: string, depth: number): Generator<WalkEntry> {
  try {
    if (depth > deepest) {
      throw new SandboxError("too-deep", `More than ${deepest} directories deep at ${prefix}.`);
    }
    const here = `/proc/self/fd/${descriptor}`;
    for (const name of readdirSync(here)) {
      const handle = `${here}/${name}`;
      const stats = lstatSync(handle, { throwIfNoEntry: false });
      if (stats === undefined) throw vanished(prefix + name);
      yield { path: prefix + name, handle, stats };
      if (stats.isDirectory()) {
        const inner = openDirectory(handle, prefix + name);
        yield* walkOpened(inner, `${prefix}${name}/`, depth + 1);
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a directory, never through a link in its last part. `name` is for the message only. */
export function openDirectory(place: string, name: string): number {
  try {
    return openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    throw openFailure(error, name);
  }
}

/** The closed code for a failed open of something in a hostile tree. */
export function openFailure(error: unknown, name: string): SandboxError {
  const shown = JSON.stringify(name);
  switch (errnoOf(error) ?? "") {
    case "ENOENT":
      return vanished(name, error);
    case "ELOOP":
      return new SandboxError("symlink", `${shown} is a symbolic link.`, { cause: error });
    case "ENOTDIR":
      return new SandboxError("not-a-directory", `${shown} is not a directory.`, { cause: error });
    case "ENXIO":
      return new SandboxError("special-file", `${shown} is not a regular file.`, { cause: error });
    default:
      return new SandboxError("unreadable", `${shown} cannot be opened.`, { cause: error });
  }
}

function vanished(name: string, cause?: unknown): SandboxError {
  const message = `${JSON.stringify(name)} is not there.`;
  return new SandboxError("missing", message, cause === undefined ? {} : { cause });
}
