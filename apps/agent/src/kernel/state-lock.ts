import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseError, lockStateDirectory, type StateDirectoryLock } from "@jarvis/db";

/** A command of the command line holds the directory for the moment of one switch. */
const COMMAND_MS = 10_000;

/** Takes the state directory for this kernel; a short command is waited for, a kernel never. */
export async function lockForKernel(directory: string): Promise<StateDirectoryLock> {
  const deadline = performance.now() + COMMAND_MS;
  for (;;) {
    try {
      return lockStateDirectory(directory, { pid: process.pid, what: "jarvis kernel" });
    } catch (error) {
      const isHeld = error instanceof DatabaseError && error.code === "state-directory-locked";
      if (!isHeld || !heldByCommand(directory) || performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

function heldByCommand(directory: string): boolean {
  try {
    return readFileSync(join(directory, "lock"), "utf8").includes('"jarvis command"');
  } catch {
    return false;
  }
}

/** Keeps a state directory that lies in a repository out of what git calls untracked. */
export function hideFromGit(directory: string): void {
  try {
    writeFileSync(join(directory, ".gitignore"), "*\n", { flag: "wx" });
  } catch {
    // It is there already, and whatever it says is somebody's wish.
  }
}
