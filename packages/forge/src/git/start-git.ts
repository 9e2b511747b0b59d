import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

import { ForgeError } from "../forge-error.ts";

/**
 * Starts a git and answers when it runs. Node tells why a program cannot be started in three ways: it
 * throws, or it tells a listener, who must be there at once or this process ends, with or without
 * pipes on the child. Here each is a ForgeError.
 */
export async function startGit<Child extends ChildProcess>(spawn: () => Child): Promise<Child> {
  try {
    const child = spawn();
    // Later ones are of signals to a git that is gone; its end is told by "close".
    child.on("error", () => undefined);
    await once(child, "spawn");
    return child;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ForgeError(
      "git-failed",
      `git could not be started (${code}); is it installed, and has this machine processes and descriptors left?`,
      { cause: error },
    );
  }
}

/** Resolves when it has ended and said all: with its status, or null where a signal ended it. */
export function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once("close", resolve);
  });
}
