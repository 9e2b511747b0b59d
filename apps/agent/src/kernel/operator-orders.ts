import type { AbandonedHistory } from "@jarvis/ledger";
import type { KillAnswer, SafetyController } from "@jarvis/operator-core";
import {
  attest,
  fetchBase,
  hasCommit,
  isAncestor,
  openIntents,
  rememberBase,
  settleWorld,
  tendIntents,
  treeOf,
  type PauseAnswer,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import type { LedgerKeeper } from "./ledger/ledger-keeper.ts";
import type { PromotionKeeper } from "./promotion-keeper.ts";

/** A landing that was announced could not be read back yet. */
export class LandingOpen extends Error {
  override readonly name = "LandingOpen";

  constructor(runId: string) {
    super(
      `The landing of run ${runId} could not be read back yet; try again when the repository host answers.`,
    );
  }
}

/** An operator names a commit that the base does not know. */
export class CommitUnknown extends Error {
  override readonly name = "CommitUnknown";
}

interface Change {
  readonly reason: string;
  readonly actor: string;
}

/** What an operator tells a kernel that leads. */
export interface OperatorOrders {
  /** Observe, then end every action and sandbox. Answers what was cancelled or ended. */
  kill(change: Change): Promise<KillAnswer>;
  /** Pauses, and waits so long for what is on its way to be resolved; or resumes. */
  pause(change: Change & { paused: boolean; waitMs: number }): Promise<PauseAnswer>;
  setMode(change: Change & { mode: "observe" | "execute" }): Promise<{
    mode: "observe" | "execute";
  }>;
  /** Goes on from a restored database; null where there is nothing to go on from. @throws LandingOpen */
  recover(change: Change): Promise<AbandonedHistory | null>;
  /** Takes a commit of the base as it is. @throws CommitUnknown */
  accept(sha: string, actor: string): Promise<{ treeSha: string }>;
}

export function operatorOrders(parts: {
  readonly world: PipelineWorld;
  readonly safety: SafetyController;
  readonly promotions: Pick<PromotionKeeper, "pause" | "resume">;
  readonly ledger: Pick<LedgerKeeper, "acceptRestore">;
  readonly kill: OperatorOrders["kill"];
  /** Lets what waited for the order look again. */
  readonly goOn: () => Promise<void>;
}): OperatorOrders {
  const { world, safety, promotions, ledger, kill, goOn } = parts;
  return {
    kill,
    async pause({ paused, reason, actor, waitMs }) {
      if (paused) return await promotions.pause({ reason, actor, waitMs });
      const answer = await promotions.resume({ reason, actor });
      await goOn();
      return answer;
    },
    async setMode({ mode, reason, actor }) {
      const outcome = await safety.setMode(mode, { reason, actor });
      // Somebody else changed the mode in between, perhaps by the kill switch: theirs stands.
      if (outcome.outcome === "conflict") return { mode: outcome.current.mode };
      if (mode === "execute") await goOn();
      return { mode };
    },
    async recover(change) {
      // What was announced before the backup and may have landed after it.
      await tendIntents(settleWorld(world));
      const [open] = await openIntents(world.db);
      if (open !== undefined) throw new LandingOpen(open.runId);
      const abandoned = await ledger.acceptRestore(change);
      await goOn();
      return abandoned;
    },
    async accept(sha, actor) {
      const base = await fetchBase(world);
      // The mirror holds what was only proposed, too.
      const isOfBase =
        (await hasCommit(world.mirror, sha)) && (await isAncestor(world.mirror, sha, base));
      if (!isOfBase) {
        throw new CommitUnknown(
          `The base ${world.github.baseBranch} at ${base} does not know the commit ${sha}; name one that it holds.`,
        );
      }
      const treeSha = await treeOf(world.mirror, sha);
      const reason = `accepted as ${sha}`;
      await attest(world.db, { sha, treeSha, by: "accepted", actor, reason });
      if (sha === base) await rememberBase(world.db, base);
      await goOn();
      return { treeSha };
    },
  };
}
