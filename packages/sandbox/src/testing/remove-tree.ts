import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";

/** Removes a directory with releases in it, whose directories nobody but root may write to. */
export function removeTree(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    execFileSync("chmod", ["-R", "u+rwX", "--", directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}
