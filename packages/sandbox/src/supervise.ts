import { setTimeout as sleep } from "node:timers/promises";

import type { Ender } from "./ender.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { identify, isAlive, killGroup, killProcess, type ProcessIdentity } from "./process-tree.ts";
import { startProcess, type Command, type Started } from "./start-process.ts";
import { StatusReader } from "./status.ts";
import type { SandboxLimits } from "./types.ts";
import { watchDisk, watchMemory, type MemoryWatch } from "./watches.ts";

export interface Supervised extends Command {
  limits: SandboxLimits;
  /** Host directories that the candidate may write. */
  writable: readonly string[];
}

export interface Ended {
  /** The candidate's program was let go. Without it a status is not the candidate's. */
  began: boolean;
  /** Of the candidate's main process, from bubblewrap's status descriptor only. */
  exitStatus: number | undefined;
  /** What setting up complained about. The candidate cannot write it: its stderr is another descriptor. */
  setupText: string;
  /** False when something of the sandbox was still alive when nobody could wait any longer. */
  gone: boolean;
  stdout: string;
  stderr: string;
  truncated: boolean;
  peakMemoryBytes: number;
}

// bubblewrap reaps its child when only that dies; its group is for when it cannot.
const groupKillAfterMs = 300;
// A process in an uninterruptible wait of the kernel outlives SIGKILL; we do not wait for it.
const goneWithinMs = 5_000;
// Every writer is dead by then: what is left lies in the kernel's buffers.
const drainWithinMs = 250;
// Two system calls that complained fill a line each; more than this is of no use in a message.
const setupTextBytes = 16 * 1024;

/**
 * Runs a sandbox's command line to its end: its own, or soon after the ender was given a reason.
 * Resolves when the whole tree is gone, so that nothing writes to the rw mounts any more.
 */
export async function supervise(supervised: Supervised, ender: Ender): Promise<Ended> {
  const { limits } = supervised;
  const output = new OutputBuffer(limits.outputBytes, () => ender.end("output-limit"));
  const setup = new OutputBuffer(setupTextBytes, () => undefined);
  const reader = new StatusReader();
  let memory: MemoryWatch | undefined;
  let init: ProcessIdentity | undefined;
  let began = false;

  const started = startProcess(supervised, {
    stdout: (chunk) => output.push("stdout", chunk),
    stderr: (chunk) => output.push("stderr", chunk),
    setup: (chunk) => setup.push("stderr", chunk),
    ready: () => {
      began = true;
    },
    status: (chunk) => {
      reader.push(chunk.toString("utf8"));
      if (init !== undefined || reader.status.initPid === undefined) return;
      init = identify(reader.status.initPid);
      if (init !== undefined) memory = watchMemory(init.pid, limits.memoryBytes, ender);
    },
  });
  const disk = watchDisk(supervised.writable, limits.writableBytes, ender);

  const wallClock = setTimeout(() => ender.end("wall-timeout"), limits.wallMs);
  const toldToEnd = new Promise<void>((resolve) => ender.onEnd(resolve));
  await Promise.race([started.exited, toldToEnd]);
  clearTimeout(wallClock);

  if (!started.hasExited()) await kill(started, init);
  await within(drainWithinMs, started.drained);
  const gone = started.hasExited() && (init === undefined || (await seeGone(init)));
  await within(drainWithinMs, started.drained);
  started.close();

  await disk.stop();
  const startError = started.hasExited() ? await started.exited : undefined;
  return {
    began,
    exitStatus: reader.status.exitStatus,
    setupText: startError ?? setup.text("stderr"),
    gone,
    stdout: output.text("stdout"),
    stderr: output.text("stderr"),
    truncated: output.truncated,
    peakMemoryBytes: memory?.stop() ?? 0,
  };
}

/** The namespace's init first: with it dies everything inside, and bubblewrap is there to reap it. */
async function kill(started: Started, init: ProcessIdentity | undefined): Promise<void> {
  if (started.pid === undefined) return;
  if (init === undefined) killGroup(started.pid);
  else killProcess(init);
  await within(groupKillAfterMs, started.exited);
  if (!started.hasExited()) killGroup(started.pid);
  await within(goneWithinMs, started.exited);
}

/** bubblewrap is gone and its init told to die by the kernel; looks that it does, and helps. */
async function seeGone(init: ProcessIdentity): Promise<boolean> {
  const deadline = Date.now() + goneWithinMs;
  while (isAlive(init)) {
    if (Date.now() > deadline) return false;
    killProcess(init);
    await sleep(1);
  }
  return true;
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const clock = new AbortController();
  await Promise.race([work, sleep(ms, undefined, { signal: clock.signal }).catch(() => undefined)]);
  clock.abort();
}
