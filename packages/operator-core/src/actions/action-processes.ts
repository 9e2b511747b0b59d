import { spawn } from "node:child_process";
import type { ChildProcessByStdio, SpawnOptionsWithStdioTuple } from "node:child_process";
import { randomUUID } from "node:crypto";
import { dirname } from "node:path";
import type { Readable, Writable } from "node:stream";
import { messageOf, OperatorError } from "../errors.ts";
import { endTree, runningIn, treeVariable } from "./process-tree.ts";
import type { ProcessTree } from "./process-tree.ts";

export type ProcessRequest = {
  /** Program and arguments; no shell reads them. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Beside a clean `PATH`, `HOME` and `LANG`: nothing of this process is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Of each of both outputs; what comes after it is dropped. */
  readonly outputLimitBytes?: number;
};

export type ProcessResult = {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
};

const outputLimitBytes = 1_048_576;
// Long enough to write a file out, short enough for a kill switch.
const endLimits = { termMs: 50, limitMs: 3_000 };

/**
 * The processes of one attempt of an action, each with the tree it starts. They end with the attempt:
 * on its signal, or when the action is over and left some behind.
 */
export class ActionProcesses {
  readonly #signal: AbortSignal;
  readonly #trees = new Map<ProcessTree, Promise<boolean> | null>();
  #isOver = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => void this.end(), { once: true });
  }

  /**
   * Runs a program to its end, in a session of its own and with a clean environment.
   * @throws OperatorError `process-failed` when it cannot be started or was stopped.
   */
  async run(request: ProcessRequest): Promise<ProcessResult> {
    const [program = "", ...args] = request.argv;
    // Also for who kept the way in here: nobody would end what begins after the attempt.
    if (this.#signal.aborted || this.#isOver) throw stopped(program);
    const mark = randomUUID();
    const child = start(program, args, {
      cwd: request.cwd,
      env: { ...cleanEnvironment, ...request.env, [treeVariable]: mark },
      stdio: ["pipe", "pipe", "pipe"],
      // Leads a session, so that what it starts can be told from everything else.
      detached: true,
    });
    // Without free descriptors it has no streams either; what is wrong is told a turn later.
    if (child.pid === undefined) {
      throw await new Promise<Error>((resolve) => {
        child.once("error", (cause) => resolve(notStarted(program, cause)));
      });
    }
    const tree = { leader: child.pid, mark };
    this.#trees.set(tree, null);
    const limit = request.outputLimitBytes ?? outputLimitBytes;
    const stdout = collect(child.stdout, limit);
    const stderr = collect(child.stderr, limit);
    // A program may end without reading what it is given.
    child.stdin.on("error", () => {});
    child.stdin.end(request.stdin ?? "");
    const ended = await new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>(
      (resolve) => {
        // Its outputs may be held open by what it left behind: that is ended with the attempt.
        child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
      },
    );
    this.#forgetEnded(tree);
    if (this.#signal.aborted) throw stopped(program);
    await outputsOf(child);
    return {
      ...ended,
      stdout: stdout.text(),
      stderr: stderr.text(),
      truncated: stdout.truncated() || stderr.truncated(),
    };
  }

  /** Ends every tree. Answers whether nothing of them runs any more. Must not throw. */
  async end(): Promise<boolean> {
    this.#isOver = true;
    const ends = [...this.#trees].map(async ([tree, ending]) => {
      const end = ending ?? endTree(tree, endLimits).catch(() => false);
      this.#trees.set(tree, end);
      return await end;
    });
    return (await Promise.all(ends)).every(Boolean);
  }

  // The number of a leader that is gone, and whose session is empty, may soon be another program's.
  #forgetEnded(tree: ProcessTree): void {
    if (this.#trees.get(tree) === null && runningIn(tree).length === 0) this.#trees.delete(tree);
  }
}

// Of this process only where node is: an action that needs more names it.
const cleanEnvironment = {
  PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
  HOME: "/nonexistent",
  LANG: "C.UTF-8",
};

function start(
  program: string,
  args: readonly string[],
  options: SpawnOptionsWithStdioTuple<"pipe", "pipe", "pipe">,
): ChildProcessByStdio<Writable, Readable, Readable> {
  try {
    return spawn(program, args, options);
  } catch (error) {
    // Some failures are thrown, arguments that are too long for one.
    throw notStarted(program, error);
  }
}

function notStarted(program: string, cause: unknown): OperatorError {
  const message = `The program ${program} could not be started: ${messageOf(cause)}`;
  return new OperatorError("process-failed", message, { cause });
}

function stopped(program: string): OperatorError {
  return new OperatorError("process-failed", `The program ${program} was stopped.`);
}

type Outputs = { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream };

// What was written before the end is read; a descendant that holds an output open is not waited for.
async function outputsOf({ stdout, stderr }: Outputs): Promise<void> {
  const closed = [stdout, stderr].map(
    async (stream) =>
      await new Promise<void>((resolve) => {
        if ((stream as { closed?: boolean }).closed === true) resolve();
        else stream.once("close", () => resolve());
      }),
  );
  const late = new Promise<void>((resolve) => setTimeout(resolve, 200).unref());
  await Promise.race([Promise.all(closed), late]);
}

function collect(stream: NodeJS.ReadableStream, limitBytes: number) {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    if (size < limitBytes) chunks.push(chunk.subarray(0, limitBytes - size));
    size += chunk.length;
  });
  return {
    text: () => Buffer.concat(chunks).toString("utf8"),
    truncated: () => size > limitBytes,
  };
}
