import { randomUUID } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What tells a state directory from every other, also from a copy of it: whoever has the lock of the
 * directory whose id a lease names knows that the kernel which held that lease is dead.
 */
export function directoryId(stateDirectory: string): string {
  const path = join(stateDirectory, "directory-id");
  try {
    writeFileSync(path, randomUUID(), { flag: "wx", mode: 0o600 });
  } catch {
    // It is there already.
  }
  const { dev, ino } = statSync(stateDirectory);
  return `${readFileSync(path, "utf8").trim()}.${dev}.${ino}`;
}
