import { isParking, type BlockReason } from "./block-reasons.ts";
import type { Evidence } from "./evidence.ts";
import { findingsOf } from "./findings-of.ts";
import { appendSelfExtensionEvent, type LifecyclePayload } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { recordBlock } from "./record-outcome.ts";
import type { Staged } from "./staged-change.ts";
import { decideRelease } from "./staged-release.ts";
import { verdictOf } from "./verdict.ts";
import { MIGRATION_IRREVERSIBLE } from "./verification/migration-stage.ts";

/** Writes the verdict of verification as `tested`, and what it means where it says no. */
export async function recordVerdict(
  world: PipelineWorld,
  change: Staged,
  evidence: Evidence,
  evidenceDigest: string,
): Promise<{ blocked: readonly BlockReason[] }> {
  return await repeatVerdict(world, change, verdictOf(change, evidence, evidenceDigest));
}

/**
 * Writes a verdict that is known already, for a step that is repeated after a crash or an attempt
 * that staged the same commit again: every attempt that goes on has its own `tested` before it.
 */
export async function repeatVerdict(
  world: PipelineWorld,
  change: Staged,
  verdict: LifecyclePayload<"tested">,
): Promise<{ blocked: readonly BlockReason[] }> {
  await appendSelfExtensionEvent(world.db, {
    context: change.context,
    type: "tested",
    stage: "verify",
    idempotencyKey: `tested:${change.attempt}:${change.stagedSha}`,
    payload: { ...verdict, attempt: change.attempt },
  });
  if (verdict.passed) return { blocked: [] };
  const failed = verdict.stages.find((stage) => stage.status !== "passed");
  const sentence = `Stage ${failed?.name ?? "unknown"}: ${verdict.reason ?? "no verdict"}.`;
  if (failed?.status === "error" && change.reverted === null) {
    // No trustworthy exit status is nobody's verdict: it ends the run and blames no change.
    await appendSelfExtensionEvent(world.db, {
      context: change.context,
      type: "failed",
      stage: "verify",
      idempotencyKey: `failed:${change.attempt}`,
      payload: {
        attempt: change.attempt,
        category: "infrastructure",
        reason: sentence,
        code: failed.category,
      },
    });
    return { blocked: [] };
  }
  if (failed?.category === MIGRATION_IRREVERSIBLE) return await askAPerson(world, change, sentence);
  const reason: BlockReason =
    failed?.category === "aborted"
      ? "kill-switch-active"
      : failed?.status === "error"
        ? "revert-failed"
        : failed?.category === "verdict-not-trusted"
          ? "verdict-not-trusted"
          : "isolated-verification-failed";
  const parked = isParking([reason], { isRevert: change.reverted !== null });
  const refusals = [{ reason, detail: sentence }];
  await recordBlock(world, change.context, change.attempt, "verify", refusals, { parked });
  return { blocked: [reason] };
}

/** What verification found and a person may let pass all the same: asked for like what staging finds. */
async function askAPerson(
  world: PipelineWorld,
  change: Staged,
  sentence: string,
): Promise<{ blocked: readonly BlockReason[] }> {
  const { context, attempt } = change;
  const findings = await findingsOf(world, change);
  const release = await decideRelease(world, { ...change, findings });
  const found = { reason: MIGRATION_IRREVERSIBLE, detail: sentence } as const;
  const blocked = release.released
    ? await recordBlock(world, context, attempt, "verify", [found])
    : await recordBlock(world, context, attempt, "verify", release.refusals, release);
  return { blocked };
}
