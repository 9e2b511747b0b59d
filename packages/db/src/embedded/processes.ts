import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/*
 * A number in postmaster.pid proves nothing: where process 1 reaps late, a killed server stays a
 * zombie that still takes signals, and a number may by now be another program's. A server process
 * is one that is not a zombie and works in the data directory.
 */

/** The server process of a data directory, or null when none runs. */
export function runningPostmaster(data: string): number | null {
  const pid = recordedPid(data);
  return pid !== null && isServerProcess(pid, data) ? pid : null;
}

/** Every live process that works in the data directory: backends outlive a killed postmaster. */
export function serverProcesses(data: string): number[] {
  if (!existsSync("/proc/self/stat")) {
    const pid = runningPostmaster(data);
    return pid === null ? [] : [pid];
  }
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => isServerProcess(pid, data));
}

/** Waits until no process of the server is left. Answers whether that came true in time. */
export async function waitUntilGone(data: string, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (serverProcesses(data).length > 0) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

/** Sends a signal; a process that is gone already is what the sender wanted. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: it ended between looking and signalling.
  }
}

function recordedPid(data: string): number | null {
  try {
    const pid = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

function isServerProcess(pid: number, data: string): boolean {
  if (!existsSync("/proc/self/stat")) return takesSignals(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The state follows the program's name, which is in parentheses and may contain anything.
    const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
    if (state === "Z" || state === "X") return false;
    return readlinkSync(`/proc/${pid}/cwd`) === data;
  } catch {
    // Gone, or another user's: not a process of ours.
    return false;
  }
}

function takesSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
