import { setImmediate as nextTurn } from "node:timers/promises";

import { SandboxError } from "./errors.ts";
import { walkChangingDirectory } from "./walk-directory.ts";

// The smallest unit most file systems give out. Counted for every entry, so that empty files and
// directories without number are a limit's business too.
const entryBytes = 4096;

/**
 * What the directories hold together, in bytes of disk; stops counting above `limitBytes`. A part
 * that cannot be looked into (made unreadable, or nested without end) counts as over the limit:
 * whoever hides what they write has no limit otherwise. What vanishes under the walk counts as
 * nothing; the last look, when all is still, sees everything. Throws where the host is at fault.
 */
export async function diskUsage(
  directories: readonly string[],
  limitBytes: number,
): Promise<number> {
  let total = 0;
  let seen = 0;
  for (const directory of directories) {
    try {
      for (const { stats } of walkChangingDirectory(directory)) {
        // Blocks are 512 bytes. Holes of a sparse file take no disk and are not counted.
        total += Math.max(entryBytes, stats.blocks * 512);
        if (total > limitBytes) return total;
        if (++seen % 512 === 0) await nextTurn();
      }
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      // The directory itself is gone, which the sandbox cannot do: nothing is in it any more.
      if (error.code !== "missing") return Number.POSITIVE_INFINITY;
    }
  }
  return total;
}
