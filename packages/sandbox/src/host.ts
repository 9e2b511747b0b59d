import { lstatSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

import { SandboxError } from "./errors.ts";
import type { SandboxTier } from "./types.ts";

/** Where the host keeps its programs. bubblewrap and its helpers are started with nothing else. */
export const programPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Outside of the ranges that distributions, systemd, and subordinate ids hand out. */
const candidateUserIds = [60_977, 60_978, 60_979, 60_980];

/** How this process may start a sandbox. */
export interface Launcher {
  tier: SandboxTier;
  /** The user id that root gives its rights up for; `undefined` for an ordinary user. */
  dropTo: number | undefined;
}

/**
 * bubblewrap never runs at kernel user id 0: there, a sandbox could open core_pattern for writing
 * and leave setuid-root files behind. Root uses an id of its own instead. 60578..61183 is unused in
 * systemd's list of ranges, and below 65536, so that it also exists in a container with mapped ids.
 * Not 65534 (nobody): that is the database's user. No entry in passwd and no files: nothing on the
 * host grants it anything.
 */
export function chooseLauncher(
  effectiveUserId: number | undefined,
  accounts = { passwd: readTextOr("/etc/passwd", ""), group: readTextOr("/etc/group", "") },
): Launcher {
  if (effectiveUserId !== 0) return { tier: "bubblewrap", dropTo: undefined };
  const taken = new Set(
    `${accounts.passwd}\n${accounts.group}`
      .split("\n")
      // name:password:uid:gid in passwd, name:password:gid in group
      .flatMap((line) => line.split(":").slice(2, 4))
      .filter((field) => /^\d+$/.test(field))
      .map(Number),
  );
  const dropTo = candidateUserIds.find((id) => !taken.has(id));
  if (dropTo === undefined) {
    throw new SandboxError(
      "invalid-request",
      `The user ids ${candidateUserIds.join(", ")} all belong to accounts of this machine; free one for the sandbox.`,
    );
  }
  return { tier: "bubblewrap-dropped-uid", dropTo };
}

/** A directory of the file system's root, which is a link into /usr on most distributions. */
export interface RootDirectory {
  path: string;
  /** What the link says, or `undefined` when it is a directory of its own. */
  linkTo: string | undefined;
}

/** The program and library directories beside /usr that exist on this host. */
export function rootDirectories(): RootDirectory[] {
  return ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].flatMap((path) => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    return [{ path, linkTo: stats.isSymbolicLink() ? readlinkSync(path) : undefined }];
  });
}

export interface NodeBinary {
  /** Where the sandbox finds Node. */
  target: string;
  /** The host's binary when it is not under /usr and has to be mounted. */
  source: string | undefined;
}

/**
 * The running Node. Only its binary is mounted: the directory it was installed to may be a
 * `~/.local` with a person's other things in it.
 */
export function nodeBinary(execPath = process.execPath): NodeBinary {
  const real = realpathSync(execPath);
  return real.startsWith("/usr/")
    ? { target: real, source: undefined }
    : { target: "/opt/node/bin/node", source: real };
}

/** The text of a small file, or `otherwise` when it cannot be read. */
export function readTextOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}
