import { spawn, spawnSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { DatabaseError } from "./errors.ts";

/*
 * flock(2) locks the open file description. flock(1) locks the one it inherits from us as
 * descriptor 3 and ends; the lock stays with our descriptor and goes when we close it or die,
 * kill -9 included. Node opens files close-on-exec, so no other child keeps it alive.
 */

export type FileLock = {
  readonly descriptor: number;
  release(): void;
};

/** Takes the lock if nobody has it. Answers null when somebody does. */
export function tryLockFile(path: string): FileLock | null {
  const descriptor = openLockFile(path);
  const ended = spawnSync("flock", ["-n", "-x", "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (ended.status === 0) return lockOf(descriptor);
  closeSync(descriptor);
  if (ended.status === 1) return null;
  throw lockFailure(path, ended.error);
}

/** Waits for the lock without blocking the event loop, then runs `work` while holding it. */
export async function withFileLock<T>(
  path: string,
  limitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const descriptor = openLockFile(path);
  const lock = lockOf(descriptor);
  try {
    await waitForLock(path, descriptor, limitMs);
    return await work();
  } finally {
    lock.release();
  }
}

function waitForLock(path: string, descriptor: number, limitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const seconds = String(Math.ceil(limitMs / 1000));
    const child = spawn("flock", ["-x", "-w", seconds, "3"], {
      stdio: ["ignore", "ignore", "ignore", descriptor],
    });
    child.once("error", (error) => reject(lockFailure(path, error)));
    child.once("exit", (status) => {
      if (status === 0) resolve();
      else reject(lockFailure(path, new Error(`waited ${seconds} s for another process`)));
    });
  });
}

function openLockFile(path: string): number {
  // O_NOFOLLOW: a link planted under this name must not make us create a file elsewhere.
  return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
}

function lockOf(descriptor: number): FileLock {
  let open = true;
  return {
    descriptor,
    release() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function lockFailure(path: string, cause: unknown): DatabaseError {
  return new DatabaseError(
    "file-lock-failed",
    `The file ${path} could not be locked: check that the program flock (package util-linux) is installed and that no other start or stop hangs.`,
    { cause },
  );
}
