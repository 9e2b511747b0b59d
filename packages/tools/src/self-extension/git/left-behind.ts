import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Mirror } from "./mirror.ts";

/*
 * What a git leaves in the mirror that was killed, by a machine without memory, with the unit it ran
 * in, or by our own limit. Nobody tidies up after it: the next git refuses, or the disk fills.
 */

/** git holds the lock of a ref for milliseconds: it is written and renamed, after everything else. */
const LOCK_LIFE_MS = 5000;
/** No git of ours runs so long, and what one writes has a younger time. */
const PACK_LIFE_MS = 600_000;

/** Waits for the lock of a ref, and removes one that nobody holds any more. */
export async function releaseRef({ gitDir }: Mirror, ref: string): Promise<void> {
  const lock = join(gitDir, `${ref}.lock`);
  const began = performance.now();
  const first = statSync(lock, { throwIfNoEntry: false });
  for (let now = first; now !== undefined; now = statSync(lock, { throwIfNoEntry: false })) {
    // Another one in its place has its own time.
    if (now.ino !== first?.ino || now.mtimeMs !== first.mtimeMs) return;
    const ageMs = Math.max(performance.now() - began, Date.now() - now.mtimeMs);
    if (ageMs >= LOCK_LIFE_MS) rmSync(lock, { force: true });
    else await sleep(50);
  }
}

/** Removes packs that fetches began and did not end. */
export function removeLeftPacks({ gitDir }: Mirror): void {
  const directory = join(gitDir, "objects", "pack");
  for (const name of readdirSync(directory)) {
    if (!name.startsWith("tmp_")) continue;
    const path = join(directory, name);
    const left = statSync(path, { throwIfNoEntry: false });
    if (left !== undefined && Date.now() - left.mtimeMs > PACK_LIFE_MS) rmSync(path);
  }
}
