import { readdirSync, readFileSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly command: string;
}

/** How many sandboxes run under a process, as this machine sees them: the outermost of each. */
export function sandboxesUnder(ancestor: number): number {
  const all = new Map(processes().map((process) => [process.pid, process]));
  const isUnder = ({ parent }: Process): boolean => {
    for (let pid = parent; pid > 1; pid = all.get(pid)?.parent ?? 0) {
      if (pid === ancestor) return true;
    }
    return false;
  };
  return [...all.values()].filter(
    (process) =>
      process.name === "bwrap" && all.get(process.parent)?.name !== "bwrap" && isUnder(process),
  ).length;
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
