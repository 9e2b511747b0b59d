import { lstatSync, type Stats } from "node:fs";
import path from "node:path";

import { SandboxError } from "./errors.ts";

/** Something mounted from the host at `target`; a tmpfs has no source. */
export interface Mounted {
  kind: "ro" | "rw" | "tmpfs";
  source: string | undefined;
  target: string;
  isDirectory: boolean;
}

// What the sandbox makes itself. A mount over it could undo a guard.
const reserved = [
  ["/proc", "/dev", "/sys", "/etc", "/usr", "/opt/node"],
  ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"],
].flat();

/**
 * Refuses a mount that would not end where its target says. bubblewrap resolves a target while the
 * host's root is still reachable, so a symbolic link that a candidate left on the way could lead
 * the mount elsewhere. Every part below a mounted source must therefore be a real directory.
 */
export function checkMountPoint(mount: Mounted, earlier: readonly Mounted[]): void {
  const { target } = mount;
  if (path.posix.normalize(target) !== target || !target.startsWith("/") || /.\/$/.test(target)) {
    throw refused(target, "is not a normalized absolute path");
  }
  if (target === "/" || reserved.some((place) => isInside(target, place))) {
    throw refused(target, "is a place that the sandbox makes itself");
  }
  const hidden = earlier.find((other) => isInside(other.target, target));
  if (hidden !== undefined) throw refused(target, `would hide ${hidden.target}, mounted before it`);

  const below = earlier
    .filter((other) => isInside(target, other.target))
    .sort((a, b) => b.target.length - a.target.length)[0];
  if (below?.source !== undefined) checkExists(mount, below.source, below.target);
}

/** True when `inner` is `outer` or lies under it. Both are normalized absolute paths. */
export function isInside(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer === "/" ? "/" : `${outer}/`);
}

function checkExists(mount: Mounted, source: string, mountedAt: string): void {
  let place = source;
  const parts = mount.target.slice(mountedAt.length + 1).split("/");
  for (const [index, part] of parts.entries()) {
    place = path.join(place, part);
    const isLast = index === parts.length - 1;
    const stats = lstatSync(place, { throwIfNoEntry: false });
    const fits = isLast && !mount.isDirectory ? stats?.isFile() : stats?.isDirectory();
    if (fits !== true) {
      const wanted = isLast && !mount.isDirectory ? "a file" : "a real directory";
      throw refused(mount.target, `needs ${wanted} at ${place}, found ${kindOf(stats)}`);
    }
  }
}

function kindOf(stats: Stats | undefined): string {
  if (stats === undefined) return "nothing";
  if (stats.isSymbolicLink()) return "a symbolic link";
  if (stats.isDirectory()) return "a directory";
  return stats.isFile() ? "a file" : "a special file";
}

function refused(target: string, why: string): SandboxError {
  return new SandboxError("mount-point", `The mount point ${JSON.stringify(target)} ${why}.`);
}
