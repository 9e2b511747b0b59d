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
 * Every entry below a directory that hostile code has written. Directories are opened with
 * O_NOFOLLOW and entries reached through the open descriptor, so that exchanging a directory for a
 * link at the right moment leads nowhere. Links are listed, never followed. What changes under the
 * walk throws. Synchronous: callers let the event loop breathe between entries.
 */
export function walkDirectory(root: string): Generator<WalkEntry> {
  return walkOpened(openDirectory(root, "."), "", 1, false);
}

/**
 * The same while hostile code is still writing there: an entry that was removed, renamed or replaced
 * since it was listed is passed over, and only that one. Otherwise whoever renames would end the walk.
 */
export function walkChangingDirectory(root: string): Generator<WalkEntry> {
  return walkOpened(openDirectory(root, "."), "", 1, true);
}

function* walkOpened(
  descriptor: number,
  prefix: string,
  depth: number,
  mayChange: boolean,
): Generator<WalkEntry> {
  try {
    if (depth > deepest) {
      throw new SandboxError("too-deep", `More than ${deepest} directories deep at ${prefix}.`);
    }
    const here = `/proc/self/fd/${descriptor}`;
    for (const name of listOpened(here, prefix, mayChange)) {
      const handle = `${here}/${name}`;
      const stats = lstatSync(handle, { throwIfNoEntry: false });
      if (stats === undefined) {
        if (mayChange) continue;
        throw vanished(prefix + name);
      }
      yield { path: prefix + name, handle, stats };
      if (stats.isDirectory()) {
        const inner = openInner(handle, prefix + name, mayChange);
        if (inner === undefined) continue;
        yield* walkOpened(inner, `${prefix}${name}/`, depth + 1, mayChange);
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

function listOpened(here: string, name: string, mayChange: boolean): string[] {
  try {
    return readdirSync(here);
  } catch (error) {
    const failure = openFailure(error, name);
    if (mayChange && isRace(failure)) return [];
    throw failure;
  }
}

function openInner(handle: string, name: string, mayChange: boolean): number | undefined {
  try {
    return openDirectory(handle, name);
  } catch (error) {
    if (mayChange && isRace(error)) return undefined;
    throw error;
  }
}

/** What an entry says that is not any more what it was when it was listed. */
function isRace(error: unknown): boolean {
  return (
    error instanceof SandboxError &&
    (error.code === "missing" || error.code === "symlink" || error.code === "not-a-directory")
  );
}

/** Opens a directory, never through a link in its last part. `name` is for the message only. */
export function openDirectory(place: string, name: string): number {
  try {
    return openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    throw openFailure(error, name);
  }
}

/** What a failed open of something in a hostile tree means: a closed code, or that the host is at fault. */
export function openFailure(error: unknown, name: string): Error {
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
    case "EMFILE":
    case "ENFILE":
    case "ENOMEM":
      // No SandboxError: that would be taken for something about what lies there.
      return new Error(
        `This machine has no descriptors or memory left to look at ${shown} (${errnoOf(error)}); raise \`ulimit -n\`, or run less at once.`,
        { cause: error },
      );
    default:
      return new SandboxError("unreadable", `${shown} cannot be opened.`, { cause: error });
  }
}

function vanished(name: string, cause?: unknown): SandboxError {
  const message = `${JSON.stringify(name)} is not there.`;
  return new SandboxError("missing", message, cause === undefined ? {} : { cause });
}
