import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

import { Mutex } from "../mutex.ts";
import { endOf, startGit } from "./start-git.ts";

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

interface Place {
  env: Readonly<Record<string, string>>;
  cwd: string;
}

export interface Reply {
  /** The status git ended with, null where a signal ended it; undefined where it goes on. */
  code: number | null | undefined;
  stdout: string;
  stderr: string;
}

interface Running {
  child: Child;
  closed: Promise<number | null>;
  said: { stdout: string; stderr: string };
  asked: number;
}

// Git keeps in memory every object it met; a new one begins with none.
const MOST_QUESTIONS = 10_000;

/**
 * One git that answers many questions, one after the other: starting a program costs far more than a
 * small answer. The first question starts it, and the first one after it ended, as git does whenever
 * it refuses. It ends when its input does, so with this process at the latest.
 */
export class LastingGit {
  readonly #args: readonly string[];
  readonly #place: Place;
  readonly #turns = new Mutex();
  #running: Running | undefined;

  constructor(args: readonly string[], place: Place) {
    this.#args = args;
    this.#place = place;
  }

  /** `isWhole` says whether that is all of an answer. */
  ask(question: string, isWhole: (stdout: string) => boolean): Promise<Reply> {
    return this.#turns.run(async () => {
      const running = (this.#running ??= await this.#start());
      hold(running.child, true);
      const reply = await converse(running, question, isWhole);
      hold(running.child, false);
      running.asked += 1;
      if (reply.code !== undefined) this.#running = undefined;
      else if (running.asked >= MOST_QUESTIONS) await this.#stop();
      return reply;
    });
  }

  /** After the questions that were asked before. */
  end(): Promise<void> {
    return this.#turns.run(() => this.#stop());
  }

  async #start(): Promise<Running> {
    const child: Child = await startGit(() =>
      spawn("git", this.#args, { ...this.#place, stdio: ["pipe", "pipe", "pipe"] }),
    );
    const said = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
    // Git may end before it read everything; its exit code says what that means.
    child.stdin.on("error", () => undefined);
    const closed = endOf(child);
    const running: Running = { child, closed, said, asked: 0 };
    // Between two questions nobody hears of an end; the next one starts another git.
    void closed.then(() => {
      if (this.#running === running) this.#running = undefined;
    });
    return running;
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    hold(running.child, true);
    running.child.stdin.end();
    await running.closed;
  }
}

async function converse(
  { child, closed, said }: Running,
  question: string,
  isWhole: (stdout: string) => boolean,
): Promise<Reply> {
  said.stdout = "";
  said.stderr = "";
  let look = (): void => undefined;
  const whole = new Promise<undefined>((resolve) => {
    look = () => {
      if (isWhole(said.stdout)) resolve(undefined);
    };
  });
  child.stdout.on("data", look);
  child.stdin.write(question);
  try {
    const code = await Promise.race([whole, closed]);
    return { code, ...said };
  } finally {
    child.stdout.off("data", look);
  }
}

/** A git that waits for questions keeps no process from ending. */
function hold(child: Child, isHeld: boolean): void {
  // A pipe is a socket, whatever its type says.
  const pipes = [child.stdin, child.stdout, child.stderr] as unknown as Socket[];
  for (const handle of [child, ...pipes]) {
    if (isHeld) handle.ref();
    else handle.unref();
  }
}
