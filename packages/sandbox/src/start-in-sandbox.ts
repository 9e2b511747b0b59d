import { performance } from "node:perf_hooks";
import type { Writable } from "node:stream";

import { checkStartRequest } from "./check-request.ts";
import { Ender } from "./ender.ts";
import { SandboxError } from "./errors.ts";
import { LineReader } from "./line-reader.ts";
import { isAlive, treeMemoryBytes, type ProcessIdentity } from "./process-tree.ts";
import { carryOut } from "./run.ts";
import { whileListed } from "./running.ts";
import { checkSandbox, testedMachine, unavailable } from "./sandbox.ts";
import { TextTail } from "./text-tail.ts";
import type {
  ChannelLimits,
  SandboxProcess,
  SandboxProcessEnd,
  SandboxStart,
  SandboxStartRequest,
} from "./types.ts";

const defaultChannel: ChannelLimits = {
  lineBytes: 256 * 1024,
  bytesPerSecond: 8 * 1024 * 1024,
  pendingBytes: 4 * 1024 * 1024,
};

const stderrTailBytes = 16 * 1024;

interface Begun {
  init: ProcessIdentity;
  stdin: Writable | undefined;
}

/**
 * Starts a program in a sandbox like that of `runInSandbox`, to be talked with over its stdin and
 * stdout, and answers when it was let go. It runs until it ends, is killed, or breaks a limit; it
 * dies with this process. Never rejects, and never starts anything outside of a sandbox.
 */
export async function startInSandbox(request: SandboxStartRequest): Promise<SandboxStart> {
  // Listed before anything is awaited: the kill switch also ends what has not begun.
  const ender = new Ender();
  const stderr = new TextTail(stderrTailBytes);
  let tellBegun: (begun: Begun) => void = () => undefined;
  const begun = new Promise<Begun>((resolve) => {
    tellBegun = resolve;
  });
  const ended = whileListed(request, ender, runToItsEnd(request, ender, stderr, tellBegun));
  const first = await Promise.race([begun, ended]);
  if ("outcome" in first) return notStarted(first, (await checkSandbox()).available);
  return { started: true, process: handle(request, first, ended, ender, stderr) };
}

async function runToItsEnd(
  request: SandboxStartRequest,
  ender: Ender,
  stderr: TextTail,
  tellBegun: (begun: Begun) => void,
): Promise<SandboxProcessEnd> {
  const test = await testedMachine();
  if (!test.works) return { ...unavailable(test.message), stderrTail: "" };
  const lines = new LineReader(
    { ...defaultChannel, ...request.channel },
    {
      // What was told to end is not listened to any more.
      line: (line) => (ender.reason === undefined ? request.onLine(line) : lines.stop()),
      excess: () => ender.end("output-limit"),
    },
    () => performance.now(),
  );
  const end = await carryOut(test.machine, () => checkedStart(request), ender, {
    signal: request.signal,
    stdout: (chunk) => lines.push(chunk),
    stderr: (chunk) => {
      if (lines.count(chunk)) stderr.push(chunk);
    },
    begun: tellBegun,
  });
  return { ...end, stderrTail: stderr.text() };
}

function checkedStart(request: SandboxStartRequest): ReturnType<typeof checkStartRequest> {
  for (const [name, value] of Object.entries(request.channel ?? {})) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new SandboxError(
      "invalid-request",
      `Channel limit ${name} must be a positive integer, got ${String(value)}.`,
    );
  }
  return checkStartRequest(request);
}

function notStarted(end: SandboxProcessEnd, isAvailable: boolean): SandboxStart {
  if (end.outcome === "killed" && end.reason === "aborted") {
    return {
      started: false,
      reason: "aborted",
      message: "The start was stopped before the program began.",
    };
  }
  return {
    started: false,
    reason: isAvailable ? "not-started" : "sandbox-unavailable",
    message:
      end.outcome === "sandbox-error"
        ? end.message
        : `The program ended before it began (${end.outcome}).`,
  };
}

function handle(
  request: SandboxStartRequest,
  { init, stdin }: Begun,
  ended: Promise<SandboxProcessEnd>,
  ender: Ender,
  stderr: TextTail,
): SandboxProcess {
  const { pendingBytes } = { ...defaultChannel, ...request.channel };
  return {
    pid: init.pid,
    ended,
    send: (line) => {
      if (line.includes("\n")) {
        throw new SandboxError("invalid-request", "A line that is sent may not hold a newline.");
      }
      if (stdin === undefined || !stdin.writable || ender.reason !== undefined) return false;
      if (stdin.writableLength + Buffer.byteLength(line) > pendingBytes) return false;
      stdin.write(`${line}\n`);
      return true;
    },
    kill: async () => {
      ender.end("aborted");
      await ended;
    },
    memoryBytes: () => (isAlive(init) ? treeMemoryBytes(init.pid) : null),
    stderrTail: () => stderr.text(),
  };
}
