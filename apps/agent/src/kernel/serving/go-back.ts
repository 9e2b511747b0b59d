import { setTimeout as sleep } from "node:timers/promises";
import {
  lastSeenTree,
  listEvents,
  planRevert,
  promotedChange,
  proposeRevert,
  readBaseline,
  readRunEvents,
  revertRunId,
  targetOfRollback,
  withoutCurrent,
  writeBaseline,
  type BlessedRelease,
  type PipelineWorld,
  type RollbackCause,
} from "@jarvis/tools/self-extension";
import { readWatchedRun, type LifecycleWriter, type WatchedRun } from "./lifecycle-writer.ts";
import type { ServedRelease, WatchedRelease } from "./watched-release.ts";

export interface RollbackWorld {
  readonly world: PipelineWorld;
  readonly writer: LifecycleWriter;
  readonly releases: string;
  /** The blessed release that runs beside, if one does. */
  readonly running: WatchedRelease | null;
  readonly start: (blessed: BlessedRelease) => Promise<WatchedRelease | null>;
  readonly point: (release: ServedRelease) => void;
}

export type RollbackOutcome =
  | {
      readonly kind: "rolled-back";
      readonly serving: WatchedRelease;
      /** The body that ran as the blessed one before and is not any more. */
      readonly left: WatchedRelease | null;
      readonly revertRunId: string | null;
    }
  | { readonly kind: "no-target" }
  | { readonly kind: "failed" };

const ANSWER_LIMIT_MS = 20_000;

/**
 * Goes back to the release blessed before `from`: first locally, by pointer, which needs neither
 * database nor network; then by a run that takes the change back on the base. There is no way back
 * to a release that does not come up, and what is interrupted is finished by calling it again.
 */
export async function goBack(
  rollback: RollbackWorld,
  from: ServedRelease,
  why: { cause: RollbackCause; reason: string },
): Promise<RollbackOutcome> {
  const begun = performance.now();
  const { world, writer, releases } = rollback;
  const reading = readBaseline(releases);
  const target = reading.known ? targetOfRollback(reading.value, from.releaseDigest) : null;
  const runId = await runOf(rollback, from);
  const run = runId === null ? null : await readWatchedRun(world, runId);
  if (run === null) throw new Error(`No run tells of the release ${from.releaseDigest}.`);
  const attempt = attemptOf(run);
  await writer.rollbackStarted(run.context, { attempt, ...why, from, target });
  if (!reading.known || target === null) {
    const reason = "No release was blessed before this one, so there is none to go back to.";
    await writer.rollbackFailed(run.context, { attempt, code: "no-target", reason, serving: from });
    return { kind: "no-target" };
  }
  const left = rollback.running;
  const isRunning = left?.facts.releaseDigest === target.releaseDigest;
  const serving = isRunning ? left : await rollback.start(target);
  if (serving === null || !(await answers(serving))) {
    const reason = `The body of the release ${target.sha} did not come up.`;
    const code = "body-did-not-start";
    await writer.rollbackFailed(run.context, { attempt, code, reason, serving: from });
    return { kind: "failed" };
  }
  rollback.point({ ...target, runId: target.runId });
  if (from.releaseDigest === reading.value.current.releaseDigest) {
    const before = withoutCurrent(reading.value);
    if (before !== null) writeBaseline(releases, before);
  }
  const durationMs = Math.round(performance.now() - begun);
  const revert = await planned(world, run.context.runId, attempt);
  await writer.rolledBack(run.context, {
    attempt,
    to: target,
    durationMs,
    revertRunId: revert?.runId ?? null,
  });
  if (revert !== null) await proposeRevert(world, revert);
  return {
    kind: "rolled-back",
    serving,
    left: isRunning ? null : left,
    revertRunId: revert?.runId ?? null,
  };
}

async function runOf({ releases }: RollbackWorld, from: ServedRelease): Promise<string | null> {
  if (from.runId !== null) return from.runId;
  const reading = readBaseline(releases);
  if (!reading.known) return null;
  const known = [reading.value.current, ...reading.value.earlier];
  const blessed = known.find(({ releaseDigest }) => releaseDigest === from.releaseDigest);
  return blessed?.runId ?? `attestation-${from.sha}`;
}

/** One that was begun and not ended goes on under its number. */
function attemptOf(run: WatchedRun): number {
  return run.isRollingBack ? run.rollbacks : run.rollbacks + 1;
}

/** A body that is switched off answers nothing, and going back by pointer is allowed meanwhile. */
async function answers({ keeper }: WatchedRelease): Promise<boolean> {
  const isSwitchedOff = (): boolean => keeper.state === "suspended";
  if (isSwitchedOff()) return true;
  const limit = new AbortController();
  const late = sleep(ANSWER_LIMIT_MS, false, { signal: limit.signal }).catch(() => false);
  const isReady = await Promise.race([keeper.ready(), late]);
  limit.abort();
  return isReady || isSwitchedOff();
}

/** Proposes the reverts that a crash kept from being proposed. Repeating it changes nothing. */
export async function finishReverts(world: PipelineWorld): Promise<void> {
  for (const event of await listEvents(world.db, { type: "rolled_back", limit: 100 })) {
    if (event.type !== "rolled_back" || event.payload.rollbackRunId === null) continue;
    if ((await readRunEvents(world.db, event.payload.rollbackRunId)).length > 0) continue;
    const revert = await planned(world, event.runId, event.payload.attempt);
    if (revert !== null) await proposeRevert(world, revert);
  }
}

/** The run that takes the change back on the base, where the base still holds something of it. */
async function planned(world: PipelineWorld, runId: string, attempt: number) {
  const promoted = await promotedChange(world, runId);
  if (promoted === null) return null;
  const baseTree = await lastSeenTree(world);
  if (baseTree === null) return null;
  const plan = await planRevert(world.mirror, {
    before: promoted.before,
    after: promoted.after,
    current: baseTree,
  });
  if (plan.kind === "nothing-left") return null;
  const id = revertRunId({ runId, attempt, startedAt: promoted.promotedAt });
  return { runId: id, change: promoted, baseTree };
}
