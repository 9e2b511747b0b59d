import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { z } from "zod";

/**
 * A process, told apart from every other one that has or will have its number: by when it was
 * started, in which boot of which machine, and in which pid namespace the number counts.
 */
export const intentHolder = z.object({
  pid: z.number().int().positive(),
  /** In clock ticks after the boot, as the kernel of the operating system counts; null unknown. */
  startedAt: z.string().nullable(),
  bootId: z.string().nullable(),
  pidNamespace: z.string().nullable(),
  /** Made up by the process itself, so that it knows its own. */
  instance: z.string(),
  /** When it last went on with what was begun before, by the clock of the database; null at first. */
  takenOverAt: z.string().nullable().default(null),
});
export type IntentHolder = z.infer<typeof intentHolder>;

export type HolderState = "alive" | "dead" | "unknown";

const instance = randomUUID();

/** This process. */
export function thisHolder(): IntentHolder {
  return {
    pid: process.pid,
    startedAt: readProcess(process.pid)?.startedAt ?? null,
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    instance,
    takenOverAt: null,
  };
}

export function isThisProcess(holder: IntentHolder): boolean {
  return holder.instance === instance;
}

/**
 * Whether a holder still runs; a stopped one does. Unknown where its number means nothing here: on
 * another machine, in another container, or where the operating system does not say.
 */
export function holderState(holder: IntentHolder): HolderState {
  if (isThisProcess(holder)) return "alive";
  const here = holder.bootId !== null && holder.bootId === bootId();
  if (!here || holder.pidNamespace === null || holder.pidNamespace !== pidNamespace()) {
    return "unknown";
  }
  const found = readProcess(holder.pid);
  if (found === null) return "dead";
  if (holder.startedAt === null) return "unknown";
  // Its number may be another's by now. A zombie does nothing any more.
  return found.startedAt !== holder.startedAt || found.state === "Z" ? "dead" : "alive";
}

function readProcess(pid: number): { state: string; startedAt: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; `state` is field 3 and `starttime` field 22.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", startedAt: fields[19] ?? "" };
  } catch {
    return null;
  }
}

function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}

function pidNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}
