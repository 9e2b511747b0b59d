import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Duplex, Readable, Writable } from "node:stream";

import { descriptorTable, inheritableDescriptors } from "./descriptors.ts";
import { programPath } from "./host.ts";
import { reasonOf } from "./text.ts";

/**
 * The descriptors above the standard three. 2 is the stderr of those who set up, 6 the candidate's;
 * 7 is where the sandbox says that it is ready and waits to be let go, and 8 what ends its set-up
 * when we die before that.
 */
export const argsDescriptor = 3;
export const statusDescriptor = 4;
export const seccompDescriptor = 5;
const candidateStderrDescriptor = 6;
const gateDescriptor = 7;
const lifelineDescriptor = 8;
export const firstFileDescriptor = 9;

/** What the candidate reads: nothing, a text to its end, or what is written to it as long as it runs. */
export type StdinSource = { kind: "nothing" } | { kind: "text"; text: string } | { kind: "open" };

export interface Command {
  argv: readonly string[];
  stdin: StdinSource;
  /** What to write into descriptors that are read on the other side. */
  feeds: ReadonlyMap<number, string | Buffer>;
}

export interface Listeners {
  stdout: (chunk: Buffer) => void;
  stderr: (chunk: Buffer) => void;
  setup: (chunk: Buffer) => void;
  status: (chunk: Buffer) => void;
  /** The sandbox is complete, and the candidate's program is the next thing to happen in it. */
  ready: () => void;
}

/** A started command line, not yet a sandbox. */
export interface Started {
  /** Leader of its process group; `undefined` when it could not be started. */
  pid: number | undefined;
  hasExited: () => boolean;
  /** Resolves when the process has exited, with why it could not be started if so. */
  exited: Promise<string | undefined>;
  /** Resolves when every stream that is read has ended. */
  drained: Promise<unknown>;
  /** Of a command whose stdin is open. */
  stdin: Writable | undefined;
  /** Lets go of the streams, whoever else may hold them open. */
  close: () => void;
}

/** Starts a command with nothing of ours but what is named here: no environment, no descriptors. */
export function startProcess(command: Command, listeners: Listeners): Started {
  const child = spawnDetached(command);
  let hasExited = false;
  const exited = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(reasonOf(error)));
    child.once("exit", () => resolve(undefined));
  }).finally(() => {
    hasExited = true;
  });

  // Node's type knows five of them, and not that there are none where the start has failed.
  const { stdio }: { readonly stdio?: readonly MaybeStream[] } = child;
  const streams = stdio ?? [];
  const drained = Promise.all([
    readAll(streams[1], listeners.stdout),
    readAll(streams[2], listeners.setup),
    readAll(streams[statusDescriptor], listeners.status),
    readAll(streams[candidateStderrDescriptor], listeners.stderr),
  ]);
  const gate = streams[gateDescriptor];
  if (gate instanceof Duplex) {
    gate.on("error", () => undefined);
    gate.once("data", () => {
      listeners.ready();
      writeAll(streams[lifelineDescriptor], "ready\n");
      gate.end("go\n");
    });
  }
  if (command.stdin.kind === "text") writeAll(streams[0], command.stdin.text);
  for (const [descriptor, content] of command.feeds) writeAll(streams[descriptor], content);

  return {
    pid: child.pid,
    hasExited: () => hasExited,
    exited,
    drained,
    stdin: command.stdin.kind === "open" ? keepOpen(streams[0]) : undefined,
    close: () => {
      for (const stream of streams) stream?.destroy();
    },
  };
}

function spawnDetached({ argv, stdin, feeds }: Command): ChildProcess {
  const [program = "", ...rest] = argv;
  const ours = Math.max(lifelineDescriptor, ...feeds.keys()) + 1;
  const devNull = openSync("/dev/null", "r+");
  try {
    const pipes = Array.from({ length: ours }, () => "pipe" as const);
    const table = descriptorTable(pipes, inheritableDescriptors(), devNull);
    if (stdin.kind === "nothing") table[0] = "ignore";
    return spawn(program, rest, {
      // bubblewrap's own environment stays readable at /proc/1/environ, --clearenv or not.
      env: { PATH: programPath },
      cwd: "/",
      // A group of its own, so that all of it can be killed.
      detached: true,
      stdio: table,
    });
  } finally {
    closeSync(devNull);
  }
}

type MaybeStream = Readable | Writable | null | undefined;

async function readAll(stream: MaybeStream, onChunk: (chunk: Buffer) => void): Promise<void> {
  if (!(stream instanceof Readable)) return;
  await new Promise<void>((resolve) => {
    stream.on("data", onChunk);
    stream.once("close", resolve);
    stream.once("error", () => resolve());
  });
}

function keepOpen(stream: MaybeStream): Writable | undefined {
  if (!(stream instanceof Writable)) return undefined;
  // The reader may end at any time; that it did is told by `exited`.
  stream.on("error", () => undefined);
  return stream;
}

function writeAll(stream: MaybeStream, content: string | Buffer): void {
  if (!(stream instanceof Writable)) return;
  // The reader may be gone before it has read everything; that it failed is told by the status.
  stream.on("error", () => undefined);
  stream.end(content);
}
