import type { Ender } from "./ender.ts";

/** What a sandbox is: "run" for `runInSandbox`, else the label of the request; and what it is for. */
export interface ListedSandbox {
  readonly label: string;
  readonly about: Readonly<Record<string, string>>;
}

const running = new Map<Ender, ListedSandbox & { work: Promise<unknown> }>();

/** Lists a sandbox for the kill switch until `work` settles. */
export function whileListed<T>(
  { label, about = {} }: { label: string; about?: ListedSandbox["about"] | undefined },
  ender: Ender,
  work: Promise<T>,
): Promise<T> {
  const listed = work.finally(() => running.delete(ender));
  running.set(ender, { label, about, work: listed });
  return listed;
}

/** Which sandboxes of this process run, or are being set up, at one moment. */
export type RunningSandboxes = ReadonlyMap<Ender, ListedSandbox>;

export function runningSandboxes(): RunningSandboxes {
  return new Map(running);
}

/**
 * The kill switch: ends every sandbox of this process with reason "aborted", those that are still
 * being set up included, and resolves when all of them are gone, with what there was. Those of
 * `before` count too: who hears of the switch first may have ended one already.
 */
export async function endAllSandboxes(
  before: RunningSandboxes = new Map(),
): Promise<readonly ListedSandbox[]> {
  const counted = new Map([...before, ...running]);
  const all = [...running];
  for (const [ender] of all) ender.end("aborted");
  await Promise.allSettled(all.map(([, { work }]) => work));
  return Array.from(counted.values(), ({ label, about }) => ({ label, about }));
}

/** The same for who only wants to know how many. */
export async function killAllSandboxes(before?: RunningSandboxes): Promise<number> {
  return (await endAllSandboxes(before)).length;
}
