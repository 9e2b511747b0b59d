import { readSafetyState } from "@jarvis/operator-core";
import {
  blockReasonMeanings,
  decideSwitches,
  getPromotionControlState,
  hasCommit,
  needsPerson,
  readServingFacts,
  treeOf,
  type BlockReason,
  type PipelineWorld,
  type RunState,
} from "@jarvis/tools/self-extension";

export interface RunReasons {
  /** What the ledger says kept it, in the words of the documentation. */
  readonly recorded: readonly { readonly reason: BlockReason; readonly meaning: string }[];
  readonly detail: string | null;
  /** What would keep it at this moment, by the function that decides; the host is not asked. */
  readonly now: readonly { readonly reason: BlockReason; readonly detail: string }[];
  readonly needsPerson: boolean;
}

/** Why a run does not go on: what was decided, and what the same function decides now. */
export async function runReasons(
  world: Pick<PipelineWorld, "db" | "mirror"> & PipelineWorld,
  run: RunState,
): Promise<RunReasons> {
  return {
    recorded: run.blockReasons.map((reason) => ({ reason, meaning: blockReasonMeanings[reason] })),
    detail: run.blockDetail,
    now: run.status === "parked" ? await reasonsNow(world, run) : [],
    needsPerson: needsPerson(run.blockReasons),
  };
}

async function reasonsNow(world: PipelineWorld, run: RunState) {
  const promotion = await getPromotionControlState(world.db);
  const { mode } = await readSafetyState(world.db);
  const base = run.baseSha;
  const serving =
    base !== null && (await hasCommit(world.mirror, base))
      ? await readServingFacts(world, {
          runId: run.runId,
          baseSha: base,
          baseTree: await treeOf(world.mirror, base),
        })
      : { watched: await world.unblessed(), unreverted: null, isRevert: false };
  return decideSwitches({
    ...serving,
    paused: promotion.paused,
    pauseReason: promotion.reason,
    mode,
    ledger: world.ledger.problem(),
  });
}
