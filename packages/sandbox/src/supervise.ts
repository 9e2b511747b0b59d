import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import type { Ender } from "./ender.ts";
import { OutputBuffer } from "./output-buffer.ts";
import type { CheckedLimits } from "./limits.ts";
import { identify, isAlive, killGroup, killProcess, type ProcessIdentity } from "./process-tree.ts";
import { startProcess, type Command, type Started } from "./start-process.ts";
import { StatusReader } from "./status.ts";
import { watchDisk, watchMemory, type MemoryWatch } from "./watches.ts";

export interface Supervised extends Command {
  limits: CheckedLimits;
  /** Host directories that the candidate may write. */
  writable: readonly string[];
}

/** Where a running sandbox is connected to. The candidate writes what arrives here. */
export interface Connection {
  stdout: (chunk: Buffer) => void;
  stderr: (chunk: Buffer) => void;
  /** It is complete and was let go; `init` is the first process in it. Not called when that fails. */
  begun?: (running: { init: ProcessIdentity; stdin: Writable | undefined }) => void;
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
 * Resolves when the whole tree is gone, so that nothing writes to the rw mounts any more; rejects
 * then where the host could not bound what it wrote.
 */
export async function supervise(
  supervised: Supervised,
  ender: Ender,
  connection: Connection,
): Promise<Ended> {
  const { limits } = supervised;
  const setup = new OutputBuffer(setupTextBytes, () => undefined);
  const reader = new StatusReader();
  let memory: MemoryWatch | undefined;
  let init: ProcessIdentity | undefined;
  let began = false;
  // Two streams, so either may be read first.
  const tellBegun = (): void => {
    if (began && init !== undefined) connection.begun?.({ init, stdin: started.stdin });
  };

  const started = startProcess(supervised, {
    stdout: connection.stdout,
    stderr: connection.stderr,
    setup: (chunk) => setup.push("stderr", chunk),
    ready: () => {
      began = true;
      tellBegun();
    },
    status: (chunk) => {
      reader.push(chunk.toString("utf8"));
      if (init !== undefined || reader.status.initPid === undefined) return;
      init = identify(reader.status.initPid);
      if (init === undefined) return;
      memory = watchMemory(init.pid, limits.memoryBytes, ender);
      tellBegun();
    },
  });
  const disk = watchDisk(supervised.writable, limits.writableBytes, ender);

  const { wallMs } = limits;
  const wallClock =
    wallMs === undefined ? undefined : setTimeout(() => ender.end("wall-timeout"), wallMs);
  const toldToEnd = new Promise<void>((resolve) => ender.onEnd(resolve));
  await Promise.race([started.exited, toldToEnd, disk.blind]);
  clearTimeout(wallClock);

  if (!started.hasExited()) await kill(started, init);
  await within(drainWithinMs, started.drained);
  const gone = started.hasExited() && (init === undefined || (await seeGone(init)));
  await within(drainWithinMs, started.drained);
  started.close();

  const peakMemoryBytes = memory?.stop() ?? 0;
  await disk.stop();
  const startError = started.hasExited() ? await started.exited : undefined;
  return {
    began,
    exitStatus: reader.status.exitStatus,
    setupText: startError ?? setup.text("stderr"),
    gone,
    peakMemoryBytes,
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
  const deadline = performance.now() + goneWithinMs;
  while (isAlive(init)) {
    if (performance.now() > deadline) return false;
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
