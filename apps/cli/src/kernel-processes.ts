import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The operating system ends a killed process at once, but for one that waits for a disk. */
const GONE_MS = 5000;

/**
 * Ends a kernel that does not answer, from outside: its sandboxes die with it, and its runs stay open
 * for the next start. Answers the first process of each sandbox that it had.
 */
export async function killKernel(pid: number): Promise<readonly number[]> {
  const children = childrenByParent();
  // A stopped kernel takes none of its dead children away: those are no sandboxes any more.
  const sandboxes = descendants(pid, children).filter(
    ({ name, parent, state }) => isSandbox(name) && !isSandbox(nameOf(parent)) && state !== "Z",
  );
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile, which is what was wanted.
  }
  // A sandbox's first process waits for all the others of its pid namespace before it is gone itself,
  // and the program that set the sandbox up does not wait for it.
  const inside = sandboxes.flatMap((sandbox) => descendants(sandbox.pid, children));
  for (const ended of [pid, ...[...sandboxes, ...inside].map((process) => process.pid)]) {
    await untilGone(ended);
  }
  return sandboxes.map((sandbox) => sandbox.pid);
}

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + GONE_MS;
  for (;;) {
    const state = readProcess(pid)?.state ?? "gone";
    // A zombie does nothing any more; its parent takes it away.
    if (state === "gone" || state === "Z") return;
    if (Date.now() > deadline) throw new Error(`process ${pid} does not end`);
    await sleep(20);
  }
}

interface Process {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly name: string;
}

function isSandbox(name: string): boolean {
  return name === "bwrap";
}

function descendants(pid: number, children: ReadonlyMap<number, Process[]>): Process[] {
  return (children.get(pid) ?? []).flatMap((child) => [child, ...descendants(child.pid, children)]);
}

function childrenByParent(): Map<number, Process[]> {
  const found = new Map<number, Process[]>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const process = readProcess(Number(entry));
    if (process === null) continue;
    found.set(process.parent, [...(found.get(process.parent) ?? []), process]);
  }
  return found;
}

function nameOf(pid: number): string {
  return readProcess(pid)?.name ?? "";
}

function readProcess(pid: number): Process | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name stands in parentheses and may hold some itself; state and parent are the fields after it.
    const end = stat.lastIndexOf(")");
    const [state = "", parent = "0"] = stat.slice(end + 2).split(" ");
    return { pid, state, parent: Number(parent), name: stat.slice(stat.indexOf("(") + 1, end) };
  } catch {
    return null;
  }
}
