import { readFileSync } from "node:fs";

import { SandboxError } from "./errors.ts";
import type { SandboxLimits } from "./types.ts";

const mebibyte = 1024 * 1024;

export const defaultLimits: SandboxLimits = {
  wallMs: 120_000,
  cpuSeconds: 300,
  // A compiler and a test runner with some workers; both were seen to need 512 MiB a process.
  memoryBytes: 2048 * mebibyte,
  // Eleven threads for each Node process, and a test runner forks some.
  processes: 512,
  outputBytes: 4 * mebibyte,
  fileBytes: 256 * mebibyte,
  writableBytes: 1024 * mebibyte,
  tmpBytes: 512 * mebibyte,
};

/** Soft and hard limits share one ceiling: what this process may still grant. `undefined` is unlimited. */
export interface HardLimits {
  cpuSeconds: number | undefined;
  fileBytes: number | undefined;
  dataBytes: number | undefined;
  processes: number | undefined;
  openFiles: number | undefined;
}

// Enough for a bundler; a limit at all so that descriptors cannot be hoarded.
const openFiles = 4096;

/** Limits that were looked at; without a wall time where nothing ends by the clock. */
export type CheckedLimits = Omit<SandboxLimits, "wallMs"> & { wallMs: number | undefined };

// 68 years, in what RLIMIT_CPU counts in.
const cpuSecondsOfALife = 2_147_483_647;

/** The defaults with the request's own values. A limit that is no positive integer is a bug. */
export function effectiveLimits(wanted: Partial<SandboxLimits> = {}): CheckedLimits {
  return checked({ ...defaultLimits, ...wanted });
}

/** The same for what runs until it is ended: no limit of time but those that the request names. */
export function lastingLimits(wanted: Partial<SandboxLimits> = {}): CheckedLimits {
  return checked({
    ...defaultLimits,
    wallMs: undefined,
    cpuSeconds: cpuSecondsOfALife,
    ...wanted,
  });
}

function checked(limits: CheckedLimits): CheckedLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw new SandboxError(
        "invalid-request",
        `Limit ${name} must be a positive integer, got ${String(value)}.`,
      );
    }
  }
  const { wallMs } = limits;
  // The longest delay that a timer holds (2^31 - 1 ms, 24 days); above it Node would fire at once.
  return { ...limits, wallMs: wallMs === undefined ? wallMs : Math.min(wallMs, 2_147_483_647) };
}

/**
 * The options of `prlimit`, which runs inside the sandbox and just before the candidate: set
 * earlier, the process limit would count the user's other processes and break bubblewrap itself.
 * RLIMIT_DATA and not RLIMIT_AS: V8 and WebAssembly reserve far more address space than they use.
 * `codeBytes` is what Node reserves in a way that RLIMIT_DATA counts; see `readCodeReservation`.
 */
export function prlimitOptions(
  limits: CheckedLimits,
  hard: HardLimits,
  codeBytes: number,
): string[] {
  const cpu = atMost(limits.cpuSeconds, hard.cpuSeconds);
  return [
    "--core=0",
    // One second between SIGXCPU and SIGKILL, so that the status names the CPU limit.
    `--cpu=${cpu}:${atMost(cpu + 1, hard.cpuSeconds)}`,
    `--nofile=${atMost(openFiles, hard.openFiles)}`,
    `--fsize=${atMost(limits.fileBytes, hard.fileBytes)}`,
    `--nproc=${atMost(limits.processes, hard.processes)}`,
    `--data=${atMost(limits.memoryBytes + codeBytes, hard.dataBytes)}`,
  ];
}

/** Asking for more than the host's hard limit would fail, and look like a failing candidate. */
function atMost(wanted: number, hard: number | undefined): number {
  return hard === undefined ? wanted : Math.min(wanted, hard);
}

/** The hard limits of this process, which everything it starts inherits. */
export function readHardLimits(text = readFileSync("/proc/self/limits", "utf8")): HardLimits {
  const hardLimit = (name: string): number | undefined => {
    const line = text.split("\n").find((candidate) => candidate.startsWith(name));
    const value = line?.slice(name.length).trim().split(/\s+/)[1];
    return value === undefined || value === "unlimited" ? undefined : Number(value);
  };
  return {
    cpuSeconds: hardLimit("Max cpu time"),
    fileBytes: hardLimit("Max file size"),
    dataBytes: hardLimit("Max data size"),
    processes: hardLimit("Max processes"),
    openFiles: hardLimit("Max open files"),
  };
}

/**
 * The bytes that Node keeps for compiled code in mappings that RLIMIT_DATA counts although almost
 * nothing of them is used: 512 MiB since Node 24, which maps them writable and executable from the
 * start, and nothing before. Read from this process, whose Node is the one that runs in the sandbox.
 */
export function readCodeReservation(text = readFileSync("/proc/self/maps", "utf8")): number {
  let bytes = 0;
  for (const [, from = "", to = ""] of text.matchAll(
    /^([\da-f]+)-([\da-f]+) rwxp \S+ \S+ 0 *$/gm,
  )) {
    bytes += Number.parseInt(to, 16) - Number.parseInt(from, 16);
  }
  // Where the mapping begins and ends differs by its alignment from process to process.
  return Math.ceil(bytes / (16 * mebibyte)) * 16 * mebibyte;
}
