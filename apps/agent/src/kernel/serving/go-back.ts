import { messageOf } from "@jarvis/operator-core";
import {
  changeToRevert,
  kernelContext,
  lastSeenTree,
  listEvents,
  planRevert,
  proposeRevert,
  readBaseline,
  readRunEvents,
  revertRunId,
  targetOfRollback,
  withoutCurrent,
  writeBaseline,
  type BlessedRelease,
  type PipelineWorld,
  type RevertedChange,
  type RollbackCause,
  type RollbackFailure,
} from "@jarvis/tools/self-extension";
import { DATABASE_PATIENCE_MS, inTime } from "./in-time.ts";
import { readWatchedRun, type LifecycleWriter, type WatchedRun } from "./lifecycle-writer.ts";
import type { ServedRelease, WatchedRelease } from "./watched-release.ts";

export interface RollbackWorld {
  readonly world: PipelineWorld;
  readonly writer: LifecycleWriter;
  readonly releases: string;
  /** The blessed release that runs beside, if one does. */
  readonly running: WatchedRelease | null;
  /** Begins the body of another one. Throws where it cannot be had. */
  readonly begin: (blessed: BlessedRelease) => Promise<WatchedRelease>;
  /** Ends one that was begun here and is not gone back to. */
  readonly end: (body: WatchedRelease) => Promise<void>;
  readonly point: (release: ServedRelease) => void;
  /** The kernel stops, and every body with it: what does not answer then says nothing. */
  readonly isOver: () => boolean;
}

export type RollbackOutcome =
  | {
      readonly kind: "rolled-back";
      readonly serving: WatchedRelease;
      /** The body that ran as the blessed one before and is not any more. */
      readonly left: WatchedRelease | null;
      readonly revertRunId: string | null;
      /** Whether its revert is still to be proposed, by `finishReverts`. */
      readonly isRevertLeft: boolean;
      /** Why the ledger refused to take it; null where it did not. It is done all the same. */
      readonly refusal: unknown;
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
  { facts: from, run }: { readonly facts: ServedRelease; readonly run: WatchedRun },
  why: { cause: RollbackCause; reason: string },
): Promise<RollbackOutcome> {
  const begun = performance.now();
  const { world, writer, releases } = rollback;
  const reading = readBaseline(releases);
  const target = reading.known ? targetOfRollback(reading.value, from.releaseDigest) : null;
  const attempt = writer.nextRollback(run);
  const started = writer.rollbackStarted(run.context, { attempt, ...why, from, target });
  // Waited for below: the body that fails does not serve any longer for a ledger that is slow.
  started.catch(() => undefined);
  if (!reading.known || target === null) {
    await started;
    const reason = "No release was blessed before this one, so there is none to go back to.";
    await writer.rollbackFailed(run.context, { attempt, code: "no-target", reason, serving: from });
    return { kind: "no-target" };
  }
  const left = rollback.running;
  const way = await wayBack(rollback, target);
  if (!way.ok) {
    if (rollback.isOver()) throw new Error("the kernel stopped while it went back");
    await started;
    const { code, reason } = way;
    await writer.rollbackFailed(run.context, { attempt, code, reason, serving: from });
    return { kind: "failed" };
  }
  rollback.point({ ...target, runId: target.runId });
  if (from.releaseDigest === reading.value.current.releaseDigest) {
    const before = withoutCurrent(reading.value);
    if (before !== null) writeBaseline(releases, before);
  }
  const durationMs = Math.round(performance.now() - begun);
  const revert = await plannedInTime(world, run, attempt);
  const proposedAs = revert?.runId ?? null;
  // The body before serves, whatever becomes of the rest: a ledger that refuses or a database that
  // fails now must not make it look as if going back had failed.
  const refusal: unknown = await started
    .then(async () => {
      await writer.rolledBack(run.context, {
        attempt,
        to: target,
        durationMs,
        revertRunId: proposedAs,
      });
    })
    .then(
      () => null,
      (error: unknown) => error,
    );
  const isProposed =
    revert === null ||
    (revert.change !== null && (await isProposedNow(world, revert, revert.change)));
  return {
    kind: "rolled-back",
    serving: way.body,
    left: way.body === left ? null : left,
    revertRunId: proposedAs,
    isRevertLeft: !isProposed,
    refusal,
  };
}

type WayBack =
  | { readonly ok: true; readonly body: WatchedRelease }
  | { readonly ok: false; readonly code: RollbackFailure; readonly reason: string };

/** The body to go back to, once it answers. One that was begun for it and does not is ended again. */
async function wayBack(rollback: RollbackWorld, target: BlessedRelease): Promise<WayBack> {
  const { running } = rollback;
  if (running?.facts.releaseDigest === target.releaseDigest) {
    // It gave up by itself, beside a body that is worse: it is what there is to go back to.
    if (running.keeper.state === "gave-up") running.keeper.resume();
    return (await answers(running)) ? { ok: true, body: running } : didNotStart(target);
  }
  let body: WatchedRelease;
  try {
    body = await rollback.begin(target);
  } catch (error) {
    return { ok: false, code: "release-refused", reason: messageOf(error) };
  }
  if (await answers(body)) return { ok: true, body };
  await rollback.end(body);
  return didNotStart(target);
}

function didNotStart({ sha }: BlessedRelease): WayBack {
  const reason = `The body of the release ${sha} did not come up.`;
  return { ok: false, code: "body-did-not-start", reason };
}

async function isProposedNow(
  world: PipelineWorld,
  revert: Revert,
  change: RevertedChange,
): Promise<boolean> {
  try {
    await proposeRevert(world, { ...revert, change });
    return true;
  } catch {
    return false;
  }
}

/** What the ledger tells of a run, or as much as its id tells where the ledger does not answer. */
export async function knownRun(
  world: PipelineWorld,
  runId: string,
  patienceMs: number = DATABASE_PATIENCE_MS,
): Promise<WatchedRun> {
  const read = readWatchedRun(world, runId).catch(() => null);
  const context = kernelContext(runId);
  const silent = { context, windows: 0, rollbacks: 0, isRollingBack: false, promotedAt: null };
  return (await inTime(read, patienceMs, null)) ?? silent;
}

/** A body that is switched off answers nothing, and going back by pointer is allowed meanwhile. */
async function answers({ keeper }: WatchedRelease): Promise<boolean> {
  const isSwitchedOff = (): boolean => keeper.state === "suspended";
  if (isSwitchedOff()) return true;
  return (await inTime(keeper.ready(), ANSWER_LIMIT_MS, false)) || isSwitchedOff();
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

interface Revert {
  readonly runId: string;
  readonly baseTree: string;
  /** Null where the database did not say what is to be reverted. */
  readonly change: RevertedChange | null;
}

/** The run that takes the change back on the base, where the base still holds something of it. */
async function planned(
  world: PipelineWorld,
  runId: string,
  attempt: number,
): Promise<(Revert & { readonly change: RevertedChange }) | null> {
  const change = await changeToRevert(world, runId);
  const baseTree = change === null ? null : await lastSeenTree(world);
  if (change === null || baseTree === null) return null;
  const { before, after, promotedAt } = change;
  const plan = await planRevert(world.mirror, { before, after, current: baseTree });
  if (plan.kind === "nothing-left") return null;
  return { runId: revertRunId({ runId, attempt, startedAt: promotedAt }), change, baseTree };
}

/** The same, without waiting for a database that is down: then a change of ours is to be reverted. */
async function plannedInTime(
  world: PipelineWorld,
  { context, promotedAt }: WatchedRun,
  attempt: number,
): Promise<Revert | null> {
  const { runId } = context;
  const unknown = {};
  const plan = await inTime(
    planned(world, runId, attempt).catch(() => unknown),
    DATABASE_PATIENCE_MS,
    unknown,
  );
  if (plan === null || "runId" in plan) return plan;
  if (promotedAt === null) return null;
  const id = revertRunId({ runId, attempt, startedAt: promotedAt });
  return { runId: id, baseTree: "", change: null };
}
