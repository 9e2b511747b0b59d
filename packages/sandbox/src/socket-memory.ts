import { readTextOr } from "./host.ts";

/** What waits in a socket that nobody reads from, where the kernel does not say: its default. */
const usualBufferBytes = 212_992;

/**
 * The most memory that the unix sockets of a sandbox can hold, in bytes. The kernel says of none how
 * much waits in it, so each counts as a full one; those that no process has open, because they travel
 * in another, count too. A sender may exceed its buffer by one message of half that size, and the
 * filter lets nobody enlarge it. TCP and UDP have limits of the kernel's own for all of the machine.
 */
export function socketMemoryBytes(init: number): number {
  const buffer = Number(readTextOr("/proc/sys/net/core/wmem_default", "")) || usualBufferBytes;
  return countSockets(readTextOr(`/proc/${init}/net/unix`, "")) * buffer * 1.5;
}

/** Lines but the heading; a line may end in a path, and a path may hold a line break. */
function countSockets(table: string): number {
  return table.match(/^[\da-f]+: [\da-f]{8} /gm)?.length ?? 0;
}
