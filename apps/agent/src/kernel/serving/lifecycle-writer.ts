import {
  factsOf,
  foldRun,
  readRunEvents,
  type EventContext,
  type HealthWindow,
  type LifecyclePayload,
  type PipelineWorld,
  type RollbackCause,
  type RollbackFailure,
  type Verdict,
  type WindowCause,
} from "@jarvis/tools/self-extension";
import type { EventWriter } from "./event-writer.ts";
import type { ServedRelease } from "./watched-release.ts";

/** A promoted run whose release is watched: its context, and how many windows it has had. */
export interface WatchedRun {
  readonly context: EventContext;
  readonly windows: number;
  readonly rollbacks: number;
  readonly isRollingBack: boolean;
  /** When its change landed; null where it came from outside. */
  readonly promotedAt: string | null;
}

export async function readWatchedRun(
  world: Pick<PipelineWorld, "db">,
  runId: string,
): Promise<WatchedRun | null> {
  const events = await readRunEvents(world.db, runId);
  const [first] = events;
  if (first === undefined) return null;
  return {
    // What becomes of it from here on is the kernel's doing.
    context: { ...first.context, actorSource: "system", actor: "kernel" },
    windows: events.filter(({ type }) => type === "health_window_started").length,
    rollbacks: events.filter(({ type }) => type === "rollback_started").length,
    isRollingBack: foldRun(runId, events).status === "rolling-back",
    promotedAt: events.find(({ type }) => type === "promoted")?.createdAt ?? null,
  };
}

/** Writes what happens to a promoted release, each event once. */
export class LifecycleWriter {
  readonly #events: EventWriter;
  /** The last attempt of each run that failed since it was read. */
  readonly #failedRollbacks = new Map<string, number>();

  constructor(events: EventWriter) {
    this.#events = events;
  }

  async windowStarted(
    context: EventContext,
    facts: {
      number: number;
      cause: WindowCause;
      release: ServedRelease;
      baselineReleaseDigest: string | null;
      window: HealthWindow;
    },
  ): Promise<void> {
    const { config } = facts.window.yardstick;
    const last = facts.window.restarts.at(-1);
    await this.#events.record({
      context,
      type: "health_window_started",
      stage: "health",
      idempotencyKey: `window-started:${facts.number}`,
      payload: {
        window: facts.number,
        cause: facts.cause,
        releaseDigest: facts.release.releaseDigest,
        baselineReleaseDigest: facts.baselineReleaseDigest,
        minimumExposures: config.minimumExposures,
        minimumSeconds: config.minimumSeconds,
        maximumSeconds: config.maximumSeconds,
        tolerance: config.tolerance,
        alpha: config.alpha,
        suspendedBy:
          last?.cause === "resumed-after-suspension" && facts.cause === last.cause
            ? last.suspension.by
            : null,
        occurredAt: instant(),
      },
    });
  }

  async windowFailed(
    context: EventContext,
    facts: { number: number; release: ServedRelease; window: HealthWindow; verdict: Verdict },
  ): Promise<void> {
    const { verdict, reasons } = facts.verdict;
    await this.#events.record({
      context,
      type: "health_window_failed",
      stage: "health",
      idempotencyKey: `window-failed:${facts.number}`,
      payload: {
        window: facts.number,
        releaseDigest: facts.release.releaseDigest,
        verdict: verdict === "degraded" ? "degraded" : "undecided",
        reasons: [...reasons],
        facts: factsOf(facts.window),
        occurredAt: instant(),
      },
    });
  }

  /** The number of the next way back: one that was begun and not ended goes on under its own. */
  nextRollback({ context, rollbacks, isRollingBack }: WatchedRun): number {
    const read = isRollingBack ? rollbacks : rollbacks + 1;
    const failed = this.#failedRollbacks.get(context.runId) ?? 0;
    return Math.max(read, failed + 1);
  }

  async rollbackStarted(
    context: EventContext,
    facts: {
      attempt: number;
      cause: RollbackCause;
      reason: string;
      from: ServedRelease;
      target: ServedRelease | null;
    },
  ): Promise<void> {
    await this.#events.record({
      context,
      type: "rollback_started",
      stage: "rollback",
      idempotencyKey: `rollback-started:${facts.attempt}`,
      payload: {
        attempt: facts.attempt,
        cause: facts.cause,
        reason: facts.reason.slice(0, 2000),
        fromReleaseDigest: facts.from.releaseDigest,
        targetReleaseDigest: facts.target?.releaseDigest ?? null,
        targetBaselineSha: facts.target?.sha ?? null,
        occurredAt: instant(),
      },
    });
  }

  async rolledBack(
    context: EventContext,
    facts: { attempt: number; to: ServedRelease; durationMs: number; revertRunId: string | null },
  ): Promise<void> {
    await this.#events.record({
      context,
      type: "rolled_back",
      stage: "rollback",
      idempotencyKey: `rolled-back:${facts.attempt}`,
      payload: {
        attempt: facts.attempt,
        releaseDigest: facts.to.releaseDigest,
        targetBaselineSha: facts.to.sha,
        durationMs: facts.durationMs,
        rollbackRunId: facts.revertRunId,
        occurredAt: instant(),
      },
    });
  }

  async rollbackFailed(
    context: EventContext,
    facts: {
      attempt: number;
      code: RollbackFailure;
      reason: string;
      serving: ServedRelease | null;
    },
  ): Promise<void> {
    const payload: LifecyclePayload<"rollback_failed"> = {
      attempt: facts.attempt,
      code: facts.code,
      reason: facts.reason.slice(0, 2000),
      servingReleaseDigest: facts.serving?.releaseDigest ?? null,
      targetBaselineSha: null,
      rollbackRunId: null,
      occurredAt: instant(),
    };
    await this.#events.record({
      context,
      type: "rollback_failed",
      stage: "rollback",
      idempotencyKey: `rollback-failed:${facts.attempt}`,
      payload,
    });
    this.#failedRollbacks.set(context.runId, facts.attempt);
  }
}

function instant(): string {
  return new Date().toISOString();
}
