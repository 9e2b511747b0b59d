import { setImmediate as nextTurn } from "node:timers/promises";

import { SandboxError } from "./errors.ts";
import { walkDirectory } from "./walk-directory.ts";

// The smallest unit most file systems give out. Counted for every entry, so that empty files and
// directories without number are a limit's business too.
const entryBytes = 4096;

/**
 * What the directories hold together, in bytes of disk; stops counting above `limitBytes`. A part
 * that cannot be looked into (made unreadable, or nested without end) counts as over the limit:
 * whoever hides what they write has no limit otherwise.
 */
export async function diskUsage(
  directories: readonly string[],
  limitBytes: number,
): Promise<number> {
  let total = 0;
  let seen = 0;
  for (const directory of directories) {
    try {
      for (const { stats } of walkDirectory(directory)) {
        // Blocks are 512 bytes. Holes of a sparse file take no disk and are not counted.
        total += Math.max(entryBytes, stats.blocks * 512);
        if (total > limitBytes) return total;
        if (++seen % 512 === 0) await nextTurn();
      }
    } catch (error) {
      // It changed under the walk; the next look, or the last one when all is still, sees it.
      if (!isRace(error)) return Number.POSITIVE_INFINITY;
    }
  }
  return total;
}

function isRace(error: unknown): boolean {
  return (
    error instanceof SandboxError &&
    (error.code === "missing" || error.code === "symlink" || error.code === "not-a-directory")
  );
}
