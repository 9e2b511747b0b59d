import { createHash } from "node:crypto";
import { selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { and, eq, sql } from "drizzle-orm";
import { v7 as uuidv7 } from "uuid";
import { attestationRunId } from "./attestation.ts";
import { treeOf, type Mirror } from "./git/mirror.ts";
import { planRevert, type PlannedRevert } from "./git/revert-change.ts";
import { kernelContext, parseRow, readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { recordProposed } from "./record-proposal.ts";

/** A promoted change that a run takes back, as trees: before it and after it. */
export interface RevertedChange {
  readonly runId: string;
  readonly title: string;
  readonly before: string;
  readonly after: string;
  readonly mergeSha: string;
  readonly promotedAt: string;
}

/**
 * The id of the run that reverts another: derived from what caused it, so that whoever repeats the
 * rollback after a crash finds the same run. In the order of time like every run id (UUIDv7).
 */
export function revertRunId(rollback: {
  runId: string;
  attempt: number;
  startedAt: string;
}): string {
  const random = createHash("sha256")
    .update(`revert:${rollback.runId}:${rollback.attempt}`)
    .digest();
  return uuidv7({ msecs: Date.parse(rollback.startedAt), random: random.subarray(0, 16) });
}

/**
 * What a run takes back, or null for a run that is no revert. Only the ledger's `rolled_back` makes
 * a run one: nothing that a proposal says of itself does.
 */
export async function revertedBy(
  world: { db: JarvisDatabase; mirror: Mirror },
  runId: string,
): Promise<RevertedChange | null> {
  const reverted = await runRevertedBy(world.db, runId);
  return reverted === null ? null : await promotedChange(world, reverted);
}

/** The run whose change this one takes back; null for a run that is no revert. */
export async function runRevertedBy(db: JarvisDatabase, runId: string): Promise<string | null> {
  const { eventType, payload } = selfExtensionEvents;
  const [row] = await db
    .select()
    .from(selfExtensionEvents)
    .where(and(eq(eventType, "rolled_back"), sql`${payload} ->> 'rollbackRunId' = ${runId}`))
    .limit(1);
  return row === undefined ? null : parseRow(row).runId;
}

/** The run whose change landed as this commit; null where it came from outside. */
export async function runThatPromoted(
  db: JarvisDatabase,
  mergeSha: string,
): Promise<string | null> {
  const { eventType, payload, runId } = selfExtensionEvents;
  const [row] = await db
    .select({ runId })
    .from(selfExtensionEvents)
    .where(and(eq(eventType, "promoted"), sql`${payload} ->> 'mergeSha' = ${mergeSha}`))
    .limit(1);
  return row?.runId ?? null;
}

/** The run that tells of a commit of the base: the one that promoted it, else that of its attestation. */
export async function runOfCommit(db: JarvisDatabase, sha: string): Promise<string> {
  return (await runThatPromoted(db, sha)) ?? attestationRunId(sha);
}

/** The change that a run promoted; null where it promoted none. */
export async function promotedChange(
  world: { db: JarvisDatabase; mirror: Mirror },
  runId: string,
): Promise<RevertedChange | null> {
  const events = await readRunEvents(world.db, runId);
  const proposed = events.find((event) => event.type === "proposed");
  const promoted = events.find((event) => event.type === "promoted");
  if (proposed === undefined || promoted === undefined) return null;
  return {
    runId,
    title: proposed.payload.title,
    before: await treeOf(world.mirror, promoted.payload.baseSha),
    after: promoted.payload.treeSha,
    mergeSha: promoted.payload.mergeSha,
    promotedAt: promoted.createdAt,
  };
}

/**
 * What a rollback of a run takes back on the base. Null for a run that promoted nothing, and for one
 * that took another back itself: to revert that would land again what was found to serve badly.
 */
export async function changeToRevert(
  world: { db: JarvisDatabase; mirror: Mirror },
  runId: string,
): Promise<RevertedChange | null> {
  const isRevert = (await runRevertedBy(world.db, runId)) !== null;
  return isRevert ? null : await promotedChange(world, runId);
}

/**
 * Records the run that takes a promoted change back on the base, once. Its patch is what the revert
 * would be on the base as it stands; staging plans it anew on the base that it finds.
 */
export async function proposeRevert(
  world: Pick<PipelineWorld, "db" | "mirror">,
  revert: { runId: string; change: RevertedChange; baseTree: string },
): Promise<PlannedRevert["kind"]> {
  const { before, after, runId, title } = revert.change;
  const planned = await planRevert(world.mirror, { before, after, current: revert.baseTree });
  if (planned.kind === "nothing-left") return planned.kind;
  const context = kernelContext(revert.runId, runId);
  await recordProposed(world.db, context, {
    patch: planned.kind === "revert" ? planned.patch : Buffer.from(""),
    title: `Revert: ${title}`,
    goal: null,
  });
  return planned.kind;
}
