import { messageOf } from "@jarvis/db";
import type {
  SandboxProcess,
  SandboxProcessEnd,
  SandboxStart,
  startInSandbox,
} from "@jarvis/sandbox";
import { LINE_BYTES, type AnnouncedTool } from "../../body/protocol.ts";
import type { BodyLimits } from "./body-limits.ts";
import { Conversation } from "./conversation.ts";
import { watchHeartbeat } from "./heartbeat-watch.ts";
import { mountsOf, type BodyRelease } from "./release-world.ts";
import type { BodyRequests } from "./requests.ts";
import { judgeEnd, type SessionEnd } from "./session-end.ts";
import type { BodySignal, CrashReason, StartFailure } from "./signals.ts";

export type StartInSandbox = typeof startInSandbox;

export interface SessionOptions {
  readonly release: BodyRelease;
  readonly argv: readonly string[];
  readonly run: StartInSandbox;
  readonly limits: BodyLimits;
  readonly requests: BodyRequests;
  readonly onSignal: (signal: BodySignal) => void;
}

/** One process of a body that said that it is ready. */
export interface Session {
  /** Of the sandbox's first process, as the host counts. */
  readonly pid: number;
  readonly tools: readonly AnnouncedTool[];
  readonly startedInMs: number;
  readonly conversation: Conversation;
  /** Resolves when the whole tree is gone. */
  readonly ended: Promise<SessionEnd>;
  memoryBytes(): number | null;
  /** Asks it to stop and kills it where it does not; resolves when it is gone. */
  stop(): Promise<void>;
}

export type SessionStart =
  | { readonly outcome: "ready"; readonly session: Session }
  | { readonly outcome: "told" | "switched-off" }
  | { readonly outcome: "failed"; readonly reason: StartFailure; readonly detail: string };

/**
 * Starts one process and waits until it is ready, no longer than its limit. `told` ends it while it
 * starts. Never rejects; answers when it is ready or gone.
 */
export async function startSession(
  options: SessionOptions,
  told: AbortSignal,
): Promise<SessionStart> {
  const { startMs } = options.limits;
  const body = new BodyProcess(options);
  const end = (): void => body.endWhileStarting();
  told.addEventListener("abort", end, { once: true });
  if (told.aborted) end();
  const clock = setTimeout(
    () => body.condemn("not-ready", `it was not ready within ${startMs} ms`),
    startMs,
  );
  try {
    return await body.start();
  } catch (error) {
    // A release whose directories cannot be looked at.
    const detail = messageOf(error);
    return { outcome: "failed", reason: "sandbox", detail };
  } finally {
    clearTimeout(clock);
    told.removeEventListener("abort", end);
  }
}

class BodyProcess {
  readonly #options: SessionOptions;
  readonly #conversation: Conversation;
  readonly #ready: Promise<readonly AnnouncedTool[]>;
  /** Ends what is being set up; what runs is killed by its handle. */
  readonly #endOfSetUp = new AbortController();
  #process: SandboxProcess | null = null;
  #condemned: { readonly reason: CrashReason; readonly detail: string } | null = null;
  #isTold = false;

  constructor(options: SessionOptions) {
    const { limits, requests, onSignal } = options;
    this.#options = options;
    let tellReady: (tools: readonly AnnouncedTool[]) => void = () => undefined;
    this.#ready = new Promise((resolve) => {
      tellReady = resolve;
    });
    this.#conversation = new Conversation({
      limits,
      requests,
      onSignal,
      onReady: tellReady,
      condemn: (reason, detail) => this.condemn(reason, detail),
      send: (line) => this.#process?.send(line) ?? false,
    });
  }

  async start(): Promise<SessionStart> {
    const beganAtMs = performance.now();
    const { release, argv, run, limits } = this.#options;
    const started = await run({
      label: "body",
      about: { release: release.digest },
      argv,
      workspace: release.directory,
      mounts: mountsOf(release),
      limits: { memoryBytes: limits.memoryBytes, processes: limits.processes },
      channel: { lineBytes: LINE_BYTES },
      signal: this.#endOfSetUp.signal,
      onLine: (line) => this.#conversation.hear(line),
    });
    if (!started.started) return this.#notStarted(started);
    const { process } = started;
    this.#process = process;
    const ended = process.ended.then((end) => this.#judge(end));
    this.#conversation.start(release.digest);
    const first = await Promise.race([this.#ready, ended]);
    if ("end" in first) {
      const { end } = first;
      return end === "crashed" ? { ...first, outcome: "failed" } : { outcome: end };
    }
    const session: Session = {
      pid: process.pid,
      tools: first,
      startedInMs: performance.now() - beganAtMs,
      conversation: this.#conversation,
      ended: this.#whileWatched(ended),
      memoryBytes: () => process.memoryBytes(),
      stop: async () => await this.#stop(process),
    };
    return { outcome: "ready", session };
  }

  /** It has to end, for a reason of its own making. The first one counts. */
  condemn(reason: CrashReason, detail: string): void {
    this.#condemned ??= { reason, detail };
    this.#conversation.end();
    this.#endOfSetUp.abort();
    void this.#process?.kill();
  }

  endWhileStarting(): void {
    this.#isTold = true;
    this.#endOfSetUp.abort();
  }

  async #stop(process: SandboxProcess): Promise<void> {
    this.#isTold = true;
    this.#conversation.tell({ type: "stop" });
    const clock = setTimeout(() => void process.kill(), this.#options.limits.stopMs);
    await process.ended;
    clearTimeout(clock);
  }

  async #whileWatched(ended: Promise<SessionEnd>): Promise<SessionEnd> {
    const stopWatching = watchHeartbeat(this.#conversation, this.#options, (reason, detail) =>
      this.condemn(reason, detail),
    );
    try {
      return await ended;
    } finally {
      stopWatching();
    }
  }

  #notStarted({ reason, message }: Extract<SandboxStart, { started: false }>): SessionStart {
    if (this.#condemned !== null) return { outcome: "failed", ...this.#condemned };
    if (this.#isTold) return { outcome: "told" };
    if (reason === "aborted") return { outcome: "switched-off" };
    const isOurs = reason === "sandbox-unavailable";
    return { outcome: "failed", reason: isOurs ? reason : "sandbox", detail: message };
  }

  #judge(end: SandboxProcessEnd): SessionEnd {
    this.#conversation.end();
    if (this.#isTold) return { end: "told" };
    return this.#condemned === null ? judgeEnd(end) : { end: "crashed", ...this.#condemned };
  }
}
