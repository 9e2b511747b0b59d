import { readdirSync, readFileSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly command: string;
}

/** The sandboxes that run under a process, as this machine sees them: the outermost process of each. */
export function sandboxesUnder(ancestor: number): number[] {
  const all = processes();
  const names = new Map(all.map(({ pid, name }) => [pid, name]));
  return all
    .filter(({ name, parent }) => name === "bwrap" && names.get(parent) !== "bwrap")
    .map(({ pid }) => pid)
    .filter((pid) => isUnder(all, pid, ancestor));
}

/** Stops every process inside a sandbox where it is, so that it cannot end by itself any more. */
export function freezeSandbox(sandbox: number): void {
  const all = processes();
  for (const { pid } of all.filter((process) => isUnder(all, process.pid, sandbox))) {
    try {
      process.kill(pid, "SIGSTOP");
    } catch {
      // It ended meanwhile; who counts afterwards sees that.
    }
  }
}

function isUnder(all: readonly Process[], pid: number, ancestor: number): boolean {
  const parents = new Map(all.map((process) => [process.pid, process.parent]));
  for (let above = parents.get(pid) ?? 0; above > 1; above = parents.get(above) ?? 0) {
    if (above === ancestor) return true;
  }
  return false;
}

/** Processes of the example that outlives its timeout. */
export function survivors(): string[] {
  return processes()
    .filter(({ command }) => command.includes("\0jarvis-hostile-example-daemon"))
    .map(({ pid }) => `process ${pid} of the example is still alive`);
}

function processes(): Process[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const command = readFileSync(`/proc/${entry}/cmdline`, "utf8");
      // The name stands in parentheses and may hold any character, parentheses too.
      const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      // What has ended and waits for its parent to notice is not alive.
      return state === "Z" ? [] : [{ pid: Number(entry), parent: Number(parent), name, command }];
    } catch {
      return [];
    }
  });
}
