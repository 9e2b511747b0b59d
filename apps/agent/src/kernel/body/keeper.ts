import { setTimeout as sleep } from "node:timers/promises";
import type { Suspension } from "@jarvis/tools/self-extension";
import type { AnnouncedTool, Goal, Json } from "../../body/protocol.ts";
import { defaultBodyLimits, type BodyLimits } from "./body-limits.ts";
import { problemOf, type PerformOutcome } from "./performs.ts";
import type { BodyRelease } from "./release-world.ts";
import type { BodyRequests } from "./requests.ts";
import { startSession, type Session, type StartInSandbox } from "./session.ts";
import { now, type BodySignal } from "./signals.ts";

/** Where the body's program lies in a release of this repository. */
export const BODY_ARGV = ["node", "apps/agent/dist/body/main.js"] as const;

export interface KeepBodyOptions {
  readonly release: BodyRelease;
  readonly run: StartInSandbox;
  readonly argv?: readonly string[];
  readonly limits?: Partial<BodyLimits>;
  readonly requests: BodyRequests;
  /** Begins suspended: nothing is started before `resume`. */
  readonly suspended?: Suspension;
  /** Told in order, and while the body runs: must not throw, and not wait. */
  readonly onSignal: (signal: BodySignal) => void;
}

export const bodyStates = [
  "starting",
  "running",
  "pausing",
  "suspended",
  "gave-up",
  "stopped",
] as const;
export type BodyState = (typeof bodyStates)[number];

/** Keeps one release running as a body. */
export interface BodyKeeper {
  readonly release: BodyRelease;
  readonly state: BodyState;
  /** Of the sandbox's first process; null while none runs. */
  readonly pid: number | null;
  /** What the running body announced; empty while none runs. Its own words. */
  readonly tools: readonly AnnouncedTool[];
  /** Why the last process did not come up or ended; null once one is up. Partly a body's own words. */
  readonly problem: string | null;
  /** True when it is ready; false when it will not be before somebody acts. */
  ready(): Promise<boolean>;
  /** Orders a call of a tool. Never rejects. The caller has to be allowed to: nothing is asked here. */
  perform(
    tool: string,
    input: Json,
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<PerformOutcome>;
  /** False where no body runs (give it again after `started`), or where it is too large to be sent. */
  giveGoal(goal: Goal): boolean;
  cancelGoal(goalId: string): boolean;
  /** Ends the body; nothing is started before `resume`. Resolves when it is gone. */
  suspend(suspension: Suspension): Promise<void>;
  /** Begins a new body after a suspension, or after it gave up. */
  resume(): void;
  /** Ends the body for good. */
  stop(): Promise<void>;
}

/** Begins a body and keeps it running: begun again after a crash, with longer and longer pauses. */
export function keepBody(options: KeepBodyOptions): BodyKeeper {
  return new Keeper(options);
}

class Keeper implements BodyKeeper {
  readonly release: BodyRelease;
  readonly #options: KeepBodyOptions;
  readonly #limits: BodyLimits;
  readonly #ticks: NodeJS.Timeout;
  #state: BodyState = "starting";
  #session: Session | null = null;
  /** Aborted when it shall not run any more. */
  #life = new AbortController();
  #living: Promise<void>;
  #crashesAtMs: number[] = [];
  #waiting: ((isReady: boolean) => void)[] = [];
  #problem: string | null = null;

  constructor(options: KeepBodyOptions) {
    this.release = options.release;
    this.#options = options;
    this.#limits = { ...defaultBodyLimits, ...options.limits };
    this.#ticks = setInterval(() => this.#tick(), this.#limits.tickMs);
    if (options.suspended === undefined) {
      this.#living = this.#live();
    } else {
      this.#life.abort();
      this.#living = Promise.resolve();
      this.#suspended(options.suspended);
    }
  }

  get state(): BodyState {
    return this.#state;
  }

  get pid(): number | null {
    return this.#session?.pid ?? null;
  }

  get tools(): readonly AnnouncedTool[] {
    return this.#session?.tools ?? [];
  }

  get problem(): string | null {
    return this.#problem;
  }

  async ready(): Promise<boolean> {
    if (this.#state === "running") return true;
    if (this.#isDown()) return false;
    return await new Promise((resolve) => this.#waiting.push(resolve));
  }

  async perform(
    tool: string,
    input: Json,
    { timeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<PerformOutcome> {
    const session = this.#session;
    if (session === null) {
      return { ...problemOf("not-running", `The body is ${this.#state}.`), latencyMs: 0 };
    }
    return await session.conversation.perform(tool, input, {
      timeoutMs: Math.min(timeoutMs ?? this.#limits.performMs, this.#limits.performMs),
      signal,
    });
  }

  giveGoal(goal: Goal): boolean {
    return this.#session?.conversation.tell({ type: "goal", ...goal }) ?? false;
  }

  cancelGoal(goalId: string): boolean {
    return this.#session?.conversation.tell({ type: "goal-cancelled", id: goalId }) ?? false;
  }

  async suspend(suspension: Suspension): Promise<void> {
    if (this.#state === "stopped") return;
    // The first one stays the one who did it.
    if (this.#state !== "suspended") this.#suspended(suspension);
    await this.#endLife();
  }

  resume(): void {
    if (this.#state !== "suspended" && this.#state !== "gave-up") return;
    if (this.#state === "suspended") this.#signal({ at: now(), kind: "resumed" });
    this.#state = "starting";
    this.#crashesAtMs = [];
    const before = this.#living;
    this.#life = new AbortController();
    this.#living = before.then(async () => await this.#live());
  }

  async stop(): Promise<void> {
    this.#become("stopped");
    clearInterval(this.#ticks);
    await this.#endLife();
  }

  async #endLife(): Promise<void> {
    this.#life.abort();
    await this.#living;
  }

  /** One process after another, until it shall not run any more. */
  async #live(): Promise<void> {
    const life = this.#life.signal;
    while (!life.aborted) {
      const pauseMs = await this.#liveOnce(life);
      if (pauseMs === null || life.aborted) return;
      this.#state = "pausing";
      await sleep(pauseMs, undefined, { signal: life }).catch(() => undefined);
      if (!life.aborted) this.#state = "starting";
    }
  }

  /** How long to wait before the next process; null for none. */
  async #liveOnce(life: AbortSignal): Promise<number | null> {
    const started = await startSession({ ...this.#options, ...this.#parts() }, life);
    switch (started.outcome) {
      case "told":
        return null;
      case "switched-off":
        return this.#switchedOff();
      case "failed": {
        const { reason, detail } = started;
        this.#problem = detail;
        this.#signal({ at: now(), kind: "start-failed", reason, detail });
        // Trying again is all that helps, however often; it is not the release that fails.
        if (reason === "sandbox-unavailable") return this.#limits.longestPauseMs;
        return this.#crashed();
      }
      case "ready":
        return await this.#attend(started.session, life);
    }
  }

  async #attend(session: Session, life: AbortSignal): Promise<number | null> {
    const stop = (): void => void session.stop();
    life.addEventListener("abort", stop, { once: true });
    this.#session = session;
    if (life.aborted) stop();
    else {
      this.#become("running");
      this.#problem = null;
      this.#signal({ at: now(), kind: "started", startedInMs: session.startedInMs });
    }
    const ended = await session.ended;
    life.removeEventListener("abort", stop);
    this.#session = null;
    switch (ended.end) {
      case "told":
        return null;
      case "switched-off":
        return this.#switchedOff();
      case "crashed":
        this.#problem = ended.detail;
        this.#signal({ at: now(), kind: "exited", reason: ended.reason, detail: ended.detail });
        return this.#crashed();
    }
  }

  /** The kill switch ends all sandboxes, and what it ended is not begun again by itself. */
  #switchedOff(): null {
    if (!this.#isDown()) this.#suspended({ by: "kill-switch", reason: "kill-switch" });
    return null;
  }

  #suspended(suspension: Suspension): void {
    this.#become("suspended");
    this.#signal({ at: now(), kind: "suspended", suspension });
  }

  #crashed(): number | null {
    if (this.#life.signal.aborted) return null;
    const { crashes, crashesWithinMs, firstPauseMs, longestPauseMs } = this.#limits;
    const nowMs = performance.now();
    this.#crashesAtMs = [
      ...this.#crashesAtMs.filter((atMs) => nowMs - atMs < crashesWithinMs),
      nowMs,
    ];
    const recent = this.#crashesAtMs.length;
    if (recent >= crashes) {
      this.#become("gave-up");
      this.#signal({ at: now(), kind: "gave-up", crashes: recent });
      return null;
    }
    return Math.min(longestPauseMs, firstPauseMs * 2 ** (recent - 1));
  }

  #become(state: "running" | "suspended" | "gave-up" | "stopped"): void {
    this.#state = state;
    for (const resolve of this.#waiting.splice(0)) resolve(state === "running");
  }

  #isDown(): boolean {
    return this.#state === "suspended" || this.#state === "gave-up" || this.#state === "stopped";
  }

  #tick(): void {
    const bytes = this.#session?.memoryBytes() ?? null;
    this.#signal(
      bytes === null ? { at: now(), kind: "tick" } : { at: now(), kind: "memory", bytes },
    );
  }

  #signal(signal: BodySignal): void {
    this.#options.onSignal(signal);
  }

  #parts(): { argv: readonly string[]; limits: BodyLimits } {
    return { argv: this.#options.argv ?? BODY_ARGV, limits: this.#limits };
  }
}
