import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { SandboxError } from "./errors.ts";
import { programPath } from "./host.ts";
import { reasonOf } from "./text.ts";

const run = promisify(execFile);

/**
 * Removes a directory that a sandbox wrote to. Hostile code may have closed directories to their
 * own owner, or nested them deeper than a path can be long: the system's tools walk those, and
 * follow no link. A directory that is not there is fine.
 */
export async function removeOutput(directory: string): Promise<void> {
  const options = { env: { PATH: programPath }, cwd: "/" };
  // What it complains about shows again when removing.
  await run("chmod", ["-R", "u+rwX", "--", directory], options).catch(() => undefined);
  try {
    await run("rm", ["-rf", "--", directory], options);
  } catch (error) {
    throw new SandboxError("unreadable", `${directory} cannot be removed: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
