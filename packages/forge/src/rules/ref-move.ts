import type { Sha } from "../git/names.ts";
import type { ProtectionDocument } from "../state/documents.ts";

/** Everything that counts for whether a branch may move, gathered before anything is decided. */
export interface RefMove {
  /** Undefined where the branch is created. */
  old: Sha | undefined;
  /** Undefined where the branch is deleted. */
  new: Sha | undefined;
  force: boolean;
  fastForward: boolean;
  protection: ProtectionDocument | undefined;
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
 * first, which is a request of its own. A protected branch that does not exist yet may be created,
 * since it cannot have been deleted: that is how an empty repository gets its first commit.
 */
export function decideRefMove(move: RefMove): RefMoveDecision {
  if (move.new === undefined) {
    return move.protection === undefined ? allowed : refused("Cannot delete this branch", true);
  }
  if (move.old === undefined || move.old === move.new) return allowed;
  if (!move.fastForward) {
    if (!move.force) return refused("Update is not a fast forward", false);
    return move.protection === undefined
      ? allowed
      : refused("Cannot force-push to this branch", true);
  }
  if (move.protection !== undefined && move.unmetStatuses !== undefined) {
    return refused(move.unmetStatuses, true);
  }
  return allowed;
}

const allowed: RefMoveDecision = { allowed: true };

function refused(reason: string, protectedBranch: boolean): RefMoveDecision {
  return { allowed: false, reason, protectedBranch };
}
