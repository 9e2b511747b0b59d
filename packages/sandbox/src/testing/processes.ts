import { readdirSync, readFileSync } from "node:fs";

// What a test sees of the processes of this machine, whoever started them.

/** Processes but this one whose command line holds a text; a zombie has none any more. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
      } catch {
        return false;
      }
    });
}

/** Whether a process runs; one that only waits to be asked how it ended does not. */
export function isRunning(pid: number | null): boolean {
  const state = statOf(pid)[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

/** The process that started it, or took it over. */
export function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}

/** State and parent, and what comes after; empty for a process that is gone. */
function statOf(pid: number | null): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before it stands in parentheses and may hold some itself.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}
