import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

// A ref is locked for milliseconds. A git that outlived a killed forge is long done by then.
const PATIENCE_MS = 2_000;

/**
 * Removes lock files that a killed git left behind, which would refuse every later update of their
 * ref. Only for the holder of the directory, before it starts any git of its own.
 */
export async function removeStaleLocks(gitDirectory: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let locks = await findLocks(gitDirectory);
  while (locks.length > 0 && performance.now() < deadline) {
    await sleep(50);
    locks = await findLocks(gitDirectory);
  }
  await Promise.all(locks.map((lock) => rm(lock, { force: true })));
}

async function findLocks(gitDirectory: string): Promise<string[]> {
  const top = await readdir(gitDirectory).catch(() => []);
  const refs = await readdir(join(gitDirectory, "refs"), { recursive: true }).catch(() => []);
  return [
    ...top.map((name) => join(gitDirectory, name)),
    ...refs.map((name) => join(gitDirectory, "refs", name)),
  ].filter((path) => path.endsWith(".lock"));
}
