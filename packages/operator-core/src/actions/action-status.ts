import { actionStates } from "@jarvis/db";
import { z } from "zod";

export const ActionStatus = z.enum(actionStates);
export type ActionStatus = z.infer<typeof ActionStatus>;

/** What may follow what. The database refuses the same (`check_action_transition`). */
const following = {
  proposed: ["validated", "rejected", "cancelled", "expired"],
  validated: ["approved", "executing", "rejected", "cancelled", "expired"],
  approved: ["executing", "rejected", "cancelled", "expired"],
  executing: ["completed", "failed", "cancelled"],
  completed: [],
  failed: [],
  cancelled: [],
  rejected: [],
  expired: [],
} as const satisfies Record<ActionStatus, readonly ActionStatus[]>;

export function mayFollow(from: ActionStatus, to: ActionStatus): boolean {
  const next: readonly ActionStatus[] = following[from];
  return next.includes(to);
}

/** Whether nothing can follow any more. */
export function hasEnded(status: ActionStatus): boolean {
  return following[status].length === 0;
}

/** Not begun and not ended: what a kill switch cancels. */
export const pendingStates = ["proposed", "validated", "approved"] as const;
