import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BodyToolError, type AnnouncedTool } from "../loaded-tools.ts";
import type { ToolContext } from "../tool.ts";
import { FromConfined, type ConfinedTask, type ToConfined } from "./messages.ts";

const PROGRAM = fileURLToPath(new URL("./run-confined.js", import.meta.url));
/** The release, which tools may read as far as they have to be loaded. */
const RELEASE = fileURLToPath(new URL("../../../../", import.meta.url));

/** What a process may have. Paths are folders, with everything below them. */
export interface Confinement {
  readonly workspace: string;
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export const nothing = { read: [], write: [], environment: {} } as const;

interface Order {
  readonly call: ToolContext["call"];
  readonly settle: (answer: { output: unknown } | { error: Error }) => void;
}

/**
 * Tools in a process of their own, with Node's permission model: no file but the release and what is
 * named, no program, no thread, no native code, no way to the kernel. They ask through the context of
 * an order, and whoever gave the order decides.
 */
export class ConfinedProcess {
  readonly #process: ChildProcess;
  readonly #orders = new Map<number, Order>();
  readonly #pings = new Map<number, () => void>();
  readonly #folders: ReadonlySet<string>;
  readonly loaded: Promise<readonly AnnouncedTool[]>;
  /** Resolves when the process is gone; it ends by itself only where something is wrong. */
  readonly ended: Promise<void>;
  #last = 0;

  constructor(task: ConfinedTask, { workspace, read, write, environment }: Confinement) {
    this.#folders = new Set(task.folders);
    this.#process = fork(PROGRAM, [JSON.stringify(task)], {
      cwd: workspace,
      env: environment,
      // What it prints is for people, and no line of the body's.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [
        "--experimental-permission",
        "--no-warnings",
        "--v8-pool-size=0",
        `--allow-fs-read=${RELEASE}*`,
        `--allow-fs-read=${join(task.directory, "*")}`,
        ...[...read, ...write].map((path) => `--allow-fs-read=${path}/*`),
        ...write.map((path) => `--allow-fs-write=${path}/*`),
      ],
    });
    let tellLoaded: (announced: readonly AnnouncedTool[]) => void = () => undefined;
    this.ended = new Promise((resolve) => {
      this.#process.once("error", () => resolve());
      this.#process.once("exit", () => resolve());
    });
    const gone = this.ended.then((): never => {
      for (const { settle } of this.#orders.values()) settle({ error: goneError() });
      throw goneError();
    });
    this.loaded = Promise.race([
      new Promise<readonly AnnouncedTool[]>((resolve) => (tellLoaded = resolve)),
      gone,
    ]);
    // Whoever waits for it is told; nobody has to.
    this.loaded.catch(() => undefined);
    this.#process.on("message", (message) => {
      const heard = FromConfined.safeParse(message);
      if (!heard.success || !this.#take(heard.data, tellLoaded)) this.end();
    });
  }

  /** Rejects with the tool's own sentence, a `BodyToolError`, or when the process is gone. */
  async carryOut(tool: string, input: unknown, context: ToolContext): Promise<unknown> {
    await this.loaded;
    const id = ++this.#last;
    const withdraw = (): void => this.#tell({ type: "withdrawn", id });
    context.signal.addEventListener("abort", withdraw, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#orders.set(id, {
          call: async (name, given) => await context.call(name, given),
          settle: (answer) => ("error" in answer ? reject(answer.error) : resolve(answer.output)),
        });
        if (this.#process.connected) this.#tell({ type: "order", id, tool, input });
        else reject(goneError());
      });
    } finally {
      this.#orders.delete(id);
      context.signal.removeEventListener("abort", withdraw);
    }
  }

  /** Resolves when it answers: one that is busy without end does not. */
  async alive(): Promise<void> {
    const id = ++this.#last;
    await new Promise<void>((resolve) => {
      this.#pings.set(id, resolve);
      this.#tell({ type: "ping", id });
    });
  }

  end(): void {
    this.#process.kill("SIGKILL");
  }

  /** False for what it may not say. */
  #take(message: FromConfined, tellLoaded: (tools: readonly AnnouncedTool[]) => void): boolean {
    switch (message.type) {
      case "loaded": {
        const names = new Set(message.announced.map(({ name }) => name));
        const isWhole = names.size === message.announced.length && sameSet(names, this.#folders);
        if (isWhole) tellLoaded(message.announced);
        return isWhole;
      }
      case "done":
        this.#orders.get(message.id)?.settle({ output: message.output });
        return true;
      case "failed":
        this.#orders.get(message.id)?.settle({ error: errorOf(message) });
        return true;
      case "ask":
        void this.#ask(message);
        return true;
      case "pong":
        this.#pings.get(message.id)?.();
        this.#pings.delete(message.id);
        return true;
    }
  }

  async #ask({ id, order, tool, input }: Extract<FromConfined, { type: "ask" }>): Promise<void> {
    try {
      // One that was answered asks for nothing any more.
      const call = this.#orders.get(order)?.call;
      if (call === undefined) throw new Error("there is no such order.");
      this.#tell({ type: "answer", id, ok: true, output: await call(tool, input) });
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      this.#tell({ type: "answer", id, ok: false, output: sentence });
    }
  }

  #tell(message: ToConfined): void {
    // One that is gone is told nothing; `ended` says so.
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }
}

function goneError(): Error {
  return new Error("the process of the tool has ended.");
}

function errorOf({ code, message }: Extract<FromConfined, { type: "failed" }>): Error {
  return code === "tool-failed" ? new Error(message) : new BodyToolError(code, message);
}

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((each) => other.has(each));
}
