import { defineAction, type ActionDefinition } from "@jarvis/operator-core";
import { z } from "zod";

export const MOVE_KERNEL = "move_kernel";
export const LEAVE_KERNEL_OUT = "leave_kernel_out";

/** Null: the program beside the launcher, which a person built. */
const moving = z.strictObject({ releaseDigest: z.string().nullable(), sha: z.string().nullable() });

const leaving = z.strictObject({ releaseDigest: z.string(), sha: z.string(), why: z.string() });
export type Leaving = z.infer<typeof leaving>;

/** How long stages that are under way may take to end; what takes longer is done again. */
export const DRAIN_MS = 60_000;

/**
 * What becomes of the kernel, as actions: a move is prepared (nothing new begins, what is under way
 * ends) and then done by whoever asked for it; leaving a release out says what the launcher did.
 */
export function moveActions(work: {
  readonly prepareMove: (signal: AbortSignal) => Promise<void>;
  readonly leaveOut: (left: Leaving) => void;
}): ActionDefinition[] {
  return [
    defineAction({
      name: MOVE_KERNEL,
      description: "lets the kernel go on from another release",
      parameters: moving,
      effect: "promotion",
      risk: "medium",
      needsApproval: false,
      idempotent: false,
      timeoutMs: DRAIN_MS + 10_000,
      run: async (to, { signal }) => {
        await work.prepareMove(signal);
        return to;
      },
    }),
    defineAction({
      name: LEAVE_KERNEL_OUT,
      description: "passes over a release that does not come up as the kernel",
      parameters: leaving,
      effect: "promotion",
      risk: "low",
      needsApproval: false,
      idempotent: true,
      timeoutMs: 10_000,
      run: async (left) => {
        work.leaveOut(left);
        return await Promise.resolve(left);
      },
    }),
  ];
}
