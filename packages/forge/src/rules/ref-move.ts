import type { Sha } from "../git/names.ts";
import type { BranchRules } from "./branch-rules.ts";

/** Everything that counts for whether a branch may move, gathered before anything is decided. */
export interface RefMove {
  /** Undefined where the branch is created. */
  old: Sha | undefined;
  /** Undefined where the branch is deleted. */
  new: Sha | undefined;
  force: boolean;
  fastForward: boolean;
  rules: BranchRules | undefined;
  /** From `unmetStatuses`, for the commit the branch would move to. */
  unmetStatuses: string | undefined;
}

export type RefMoveDecision =
  | { allowed: true }
  | { allowed: false; reason: string; protectedBranch: boolean };

/**
 * Whether a branch may move, the same for API calls and pushes.
 *
 * Protection has no exception, not even for administrators: who wants past it changes the protection
 * or the ruleset first, which is a request of its own. A protected branch that does not exist yet may be created,
 * since it cannot have been deleted: that is how an empty repository gets its first commit.
 */
export function decideRefMove(move: RefMove): RefMoveDecision {
  if (move.new === undefined) {
    return move.rules?.isDeleted === false ? refused("Cannot delete this branch", true) : allowed;
  }
  if (move.old === undefined || move.old === move.new) return allowed;
  if (!move.fastForward) {
    if (!move.force) return refused("Update is not a fast forward", false);
    if (move.rules?.isForced === false) return refused("Cannot force-push to this branch", true);
  }
  const refusal = move.rules?.refusesUpdates ?? null;
  if (refusal !== null) return refused(refusal, true);
  if (move.rules !== undefined && move.unmetStatuses !== undefined) {
    return refused(move.unmetStatuses, true);
  }
  return allowed;
}

const allowed: RefMoveDecision = { allowed: true };

function refused(reason: string, protectedBranch: boolean): RefMoveDecision {
  return { allowed: false, reason, protectedBranch };
}
