import type { Ender } from "./ender.ts";

const running = new Map<Ender, { label: string; work: Promise<unknown> }>();

/** Lists a sandbox for the kill switch until `work` settles. */
export function whileListed<T>(label: string, ender: Ender, work: Promise<T>): Promise<T> {
  const listed = work.finally(() => running.delete(ender));
  running.set(ender, { label, work: listed });
  return listed;
}

/** Which sandboxes of this process run, or are being set up, at one moment. */
export type RunningSandboxes = ReadonlySet<Ender>;

export function runningSandboxes(): RunningSandboxes {
  return new Set(running.keys());
}

/**
 * The kill switch: ends every sandbox of this process with reason "aborted", those that are still
 * being set up included, and resolves when all of them are gone, with how many there were. Those of
 * `before` count too: who hears of the switch first may have ended one already.
 */
export async function killAllSandboxes(before: RunningSandboxes = new Set()): Promise<number> {
  const counted = new Set([...before, ...running.keys()]);
  await killAllSandboxesByLabel();
  return counted.size;
}

/** Ends them too, and counts those that ran by what they were: "run" for `runInSandbox`, else the label of the request. */
export async function killAllSandboxesByLabel(): Promise<Readonly<Record<string, number>>> {
  const all = [...running];
  for (const [ender] of all) ender.end("aborted");
  await Promise.allSettled(all.map(([, { work }]) => work));
  const counts: Record<string, number> = {};
  for (const [, { label }] of all) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/** Resolves when no sandbox of this process runs. Used before a release is replaced, and in tests. */
export async function waitForNoSandboxes(): Promise<void> {
  while (running.size > 0) await Promise.allSettled([...running.values()].map(({ work }) => work));
}
