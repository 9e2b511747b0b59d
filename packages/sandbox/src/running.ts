import type { Ender } from "./ender.ts";

const running = new Map<Ender, Promise<unknown>>();

/** Lists a sandbox for the kill switch until `work` settles. */
export function whileListed<T>(ender: Ender, work: Promise<T>): Promise<T> {
  const listed = work.finally(() => running.delete(ender));
  running.set(ender, listed);
  return listed;
}

/**
 * The kill switch: ends every sandbox of this process with reason "aborted", those that are still
 * being set up included, and resolves when all of them are gone, with how many there were.
 */
export async function killAllSandboxes(): Promise<number> {
  const all = [...running];
  for (const [ender] of all) ender.end("aborted");
  await Promise.allSettled(all.map(([, work]) => work));
  return all.length;
}

/** Resolves when no sandbox of this process runs. Used before a release is replaced, and in tests. */
export async function waitForNoSandboxes(): Promise<void> {
  while (running.size > 0) await Promise.allSettled(running.values());
}
