import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";

import { readTextOr } from "./host.ts";

/** A process that cannot be confused with a later one that was given the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, as in /proc/PID/stat. */
  startTime: string;
}

export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, startTime: stat.startTime };
}

/** A zombie is not alive: it only waits for someone to ask how it ended. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== "Z";
}

/** SIGKILL, unless the number belongs to somebody else by now. */
export function killProcess(identity: ProcessIdentity): void {
  if (isAlive(identity)) sendKill(identity.pid);
}

export function killGroup(leader: number): void {
  sendKill(-leader);
}

/**
 * Resident memory of a process and all its descendants, without pages of files, which the kernel can
 * drop. A page that they share is counted once for each process that maps it. Processes that a
 * daemon left behind are children of the namespace's init, so none escapes this walk for longer
 * than one sample.
 */
export function treeMemoryBytes(root: number): number {
  return sum(descendants(root).map(unsharedUpperBound));
}

/**
 * The same with a shared page counted once. The kernel walks the page tables of each process for it,
 * so it is asked only while the sum is not above `limitBytes`, and by a thread beside the event
 * loop: many processes that share much would hold the loop up for seconds.
 */
export async function exactTreeMemoryBytes(root: number, limitBytes: number): Promise<number> {
  let bytes = 0;
  for (const pid of descendants(root)) {
    bytes += await proportionalBytes(pid);
    if (bytes > limitBytes) break;
  }
  return bytes;
}

function descendants(root: number): number[] {
  const found = [root];
  // `found` grows while it is walked: breadth first.
  for (const pid of found) {
    for (const thread of listOr(`/proc/${pid}/task`)) {
      const children = readTextOr(`/proc/${pid}/task/${thread}/children`, "");
      for (const child of children.split(" ")) if (child !== "") found.push(Number(child));
    }
  }
  return found;
}

function unsharedUpperBound(pid: number): number {
  const status = readTextOr(`/proc/${pid}/status`, "");
  return kibibytes(status, "RssAnon") + kibibytes(status, "RssShmem");
}

async function proportionalBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  // Not readable, or an old kernel: the upper bound, so that nothing is missed.
  if (rollup === "") return unsharedUpperBound(pid);
  return kibibytes(rollup, "Pss_Anon") + kibibytes(rollup, "Pss_Shmem");
}

function kibibytes(text: string, field: string): number {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
  return value === undefined ? 0 : Number(value) * 1024;
}

function readStat(pid: number): { state: string; startTime: string } | undefined {
  const text = readTextOr(`/proc/${pid}/stat`, "");
  // The name, field 2, is chosen by the process and may hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const startTime = fields[19];
  return state === undefined || startTime === undefined ? undefined : { state, startTime };
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}

function listOr(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
