import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Names a process tree in the environment of everything that it starts. */
export const treeVariable = "JARVIS_PROCESS_TREE";

/** A tree of processes: its leader, which leads a session of its own, and the mark its children inherit. */
export type ProcessTree = { readonly leader: number; readonly mark: string };

/**
 * The processes of a tree that still run: those of the leader's session and group, and those that left
 * both and kept the mark. Only a program that also clears its environment escapes; code that would do
 * that belongs into the sandbox.
 */
export function runningIn({ leader, mark }: ProcessTree): number[] {
  const marked = `${treeVariable}=${mark}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = statOf(pid);
      if (stat === null) return false;
      return (
        stat.group === leader || stat.session === leader || environmentOf(pid).includes(marked)
      );
    });
}

/**
 * Ends a tree: SIGTERM, and SIGKILL after `termMs` for what is still there, again and again, because a
 * process may start another between two looks. Answers whether all of it is gone.
 */
export async function endTree(
  tree: ProcessTree,
  limits: { termMs: number; limitMs: number },
): Promise<boolean> {
  const startedAt = performance.now();
  let signal: NodeJS.Signals = "SIGTERM";
  let signalled = new Set<number>();
  for (;;) {
    const elapsedMs = performance.now() - startedAt;
    if (signal === "SIGTERM" && elapsedMs >= limits.termMs) {
      signal = "SIGKILL";
      signalled = new Set();
    }
    const running = runningIn(tree);
    if (running.length === 0) return true;
    if (elapsedMs >= limits.limitMs) return false;
    for (const pid of running) {
      // One request to end is enough; SIGKILL is never ignored, so repeating it costs nothing.
      if (signal === "SIGTERM" && signalled.has(pid)) continue;
      signalled.add(pid);
      send(pid, signal);
    }
    await sleep(10);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile, which is what was wanted.
  }
}

// A zombie runs no more; its parent takes it away.
function statOf(pid: number): { group: number; session: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before these fields stands in parentheses and may hold some itself.
    const [state = "", , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X"
      ? null
      : { group: Number(group), session: Number(session) };
  } catch {
    return null;
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}
