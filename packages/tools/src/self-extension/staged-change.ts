import { SelfExtensionError } from "./errors.ts";
import { diffTrees, treeOf, type TreeChange } from "./git/mirror.ts";
import type { GuardConfig } from "./guard-config.ts";
import type { Approval } from "./lifecycle-payloads.ts";
import { readRunEvents, type EventContext, type LifecycleEvent } from "./lifecycle-events.ts";
import { readLedgerBlob } from "./ledger-blob.ts";
import { loadConfig } from "./load-config.ts";
import { restoreStaged } from "./restore-staged.ts";
import { restoredPaths } from "./git/revert-change.ts";
import { revertedBy, type RevertedChange } from "./revert-run.ts";
import type { PipelineWorld } from "./pipeline-world.ts";

/** A change as one commit on the current base. Only staging makes it. */
export interface Staged {
  readonly runId: string;
  readonly attempt: number;
  readonly context: EventContext;
  readonly title: string;
  readonly goal: string | null;
  readonly baseSha: string;
  readonly baseTree: string;
  readonly treeSha: string;
  readonly stagedSha: string;
  /** The commit date of everything this run makes, so that a repetition makes the same commits. */
  readonly date: Date;
  readonly changes: readonly TreeChange[];
  readonly config: GuardConfig;
  /** What a person let pass of this very tree; null where nothing had to be. */
  readonly approval: Approval | null;
  /** The change that this run takes back; null for any other run. */
  readonly reverted: RevertedChange | null;
  /** Paths that only go back to what was attested, of a run that reverts a change; empty for any other. */
  readonly restored: ReadonlySet<string>;
}

/**
 * A change that was staged before, from the ledger and git again: what a durable step hands on is
 * only an id, and nothing it says is believed without looking.
 */
export async function loadStaged(
  world: PipelineWorld,
  runId: string,
  stagedSha: string,
): Promise<Staged> {
  const run = await readProposal(world, runId);
  const proposed = run.events.findLast(
    (event) => event.type === "proposed" && event.payload.stagedSha === stagedSha,
  );
  if (proposed?.type !== "proposed" || proposed.payload.baseSha === null) {
    throw new SelfExtensionError("evidence-mismatch", `run ${runId} never staged ${stagedSha}`);
  }
  const { baseSha, attempt, treeSha, approval } = proposed.payload;
  await restoreStaged(world, runId, run, { attempt, stagedSha, baseSha });
  const baseTree = await treeOf(world.mirror, baseSha);
  const stagedTree = await treeOf(world.mirror, stagedSha);
  if (stagedTree !== treeSha) {
    throw new SelfExtensionError(
      "evidence-mismatch",
      `commit ${stagedSha} has tree ${stagedTree}, the ledger says ${treeSha ?? "none"}`,
    );
  }
  if (approval !== null && approval.treeSha !== treeSha) {
    throw new SelfExtensionError(
      "evidence-mismatch",
      `run ${runId} was approved for tree ${approval.treeSha}, staged was ${treeSha ?? "none"}`,
    );
  }
  const changes = await diffTrees(world.mirror, baseTree, treeSha);
  const reverted = await revertedBy(world, runId);
  return {
    runId,
    attempt,
    context: run.context,
    title: run.title,
    goal: run.goal,
    baseSha,
    baseTree,
    treeSha,
    stagedSha,
    date: run.date,
    changes,
    config: await loadConfig(world.mirror, baseTree),
    approval,
    reverted,
    restored:
      reverted === null ? new Set() : await restoredPaths(world.mirror, changes, reverted.before),
  };
}

/** A run's patch and the facts it was handed in with. */
export interface ProposedChange {
  readonly events: readonly LifecycleEvent[];
  readonly context: EventContext;
  readonly title: string;
  readonly goal: string | null;
  readonly patchDigest: string;
  readonly patch: Buffer;
  readonly date: Date;
}

/** Throws `run-unknown` where there is no such run or its patch is no longer kept. */
export async function readProposal(
  world: Pick<PipelineWorld, "db">,
  runId: string,
): Promise<ProposedChange> {
  const events = await readRunEvents(world.db, runId);
  const first = events[0];
  if (first?.type !== "proposed") {
    throw new SelfExtensionError(
      "run-unknown",
      `There is no run ${runId}; \`jarvis runs\` lists them.`,
    );
  }
  const patch = await readLedgerBlob(world.db, first.payload.patchDigest);
  if (patch === null) {
    throw new SelfExtensionError(
      "run-unknown",
      `The patch of run ${runId} is no longer kept; propose the change again.`,
    );
  }
  return {
    events,
    context: first.context,
    title: first.payload.title,
    goal: first.payload.goal,
    patchDigest: first.payload.patchDigest,
    patch,
    date: new Date(first.createdAt),
  };
}
