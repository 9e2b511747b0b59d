import { performance } from "node:perf_hooks";

import { diskUsage } from "./disk-usage.ts";
import type { Ender } from "./ender.ts";
import { exactTreeMemoryBytes, treeMemoryBytes } from "./process-tree.ts";
import { socketMemoryBytes } from "./socket-memory.ts";

// A process that allocates as fast as it can was seen to overshoot 1 GiB by about a tenth.
const memoryEveryMs = 50;
// In a longer gap a tree could take the machine's memory.
const memoryAtLeastEveryMs = 1000;
const diskEveryMs = 250;

export interface MemoryWatch {
  /** Answers the highest sample in bytes. */
  stop(): number;
}

/** Ends the sandbox when the tree below `root`, its init, and its sockets hold more than `limitBytes`. */
export function watchMemory(root: number, limitBytes: number, ender: Ender): MemoryWatch {
  let peak = 0;
  let stopped = false;
  const look = async (): Promise<void> => {
    const inSockets = socketMemoryBytes(root);
    const upperBound = inSockets + treeMemoryBytes(root);
    const bytes =
      upperBound <= limitBytes
        ? upperBound
        : inSockets + (await exactTreeMemoryBytes(root, limitBytes - inSockets));
    if (stopped) return;
    peak = Math.max(peak, bytes);
    if (bytes > limitBytes) ender.end("memory");
  };
  let timer = setTimeout(lookAndGoOn, memoryEveryMs);
  function lookAndGoOn(): void {
    const startedAt = performance.now();
    void look().then(() => {
      if (stopped) return;
      timer = setTimeout(lookAndGoOn, waitAfterLook(performance.now() - startedAt));
    });
  }
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      return peak;
    },
  };
}

/** Ten times as long as the look took: a tree that is costly to look at gets no more of this machine. */
export function waitAfterLook(tookMs: number): number {
  return Math.min(Math.max(memoryEveryMs, 10 * tookMs), memoryAtLeastEveryMs);
}

export interface DiskWatch {
  /** Resolves when a look failed for the host's own reasons: what is written is not bounded any more. */
  blind: Promise<void>;
  /**
   * Looks a last time, so that a quick writer is judged like a slow one. Rejects with why it could
   * not look, unless something else had ended the sandbox before.
   */
  stop(): Promise<void>;
}

/** Ends the sandbox when the directories together hold more than `limitBytes`. */
export function watchDisk(
  directories: readonly string[],
  limitBytes: number,
  ender: Ender,
): DiskWatch {
  let stopped = false;
  const look = async (): Promise<void> => {
    if (ender.reason !== undefined) return;
    const bytes = await diskUsage(directories, limitBytes);
    if (bytes > limitBytes) ender.end("disk-limit");
  };
  let looking = Promise.resolve();
  let tellBlind: () => void = () => undefined;
  const blind = new Promise<void>((resolve) => {
    tellBlind = resolve;
  });
  let timer = setTimeout(lookAndGoOn, diskEveryMs);
  function lookAndGoOn(): void {
    // The next look begins after this one: a large tree must not pile them up.
    looking = look().then(() => {
      if (!stopped) timer = setTimeout(lookAndGoOn, diskEveryMs);
    });
    // Who stops the watch is told why.
    looking.catch(tellBlind);
  }
  return {
    blind,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await looking;
      await look();
    },
  };
}
