import { SelfExtensionError } from "./errors.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import type { Refusal } from "./proposal.ts";

/**
 * Whether there is room on disk. `low`: nothing new is begun, and what has begun waits at its next
 * stage. `short`: the reserve was given up, and nothing is taken in any more, since recording it
 * takes room too. What is needed to stop and to go back goes on in both.
 */
export interface RoomFacts {
  readonly level: "enough" | "low" | "short";
  /** One sentence for people: how much is left, where, and what to do. */
  readonly detail: string;
}

/** Why nothing new is begun now; null where there is room. */
export async function refuseWithoutRoom(
  world: Pick<PipelineWorld, "room">,
): Promise<Refusal | null> {
  const { level, detail } = await world.room();
  return level === "enough" ? null : { reason: "disk-low", detail };
}

/** At the door: where not even a proposal could be recorded it is refused, and nothing is. */
export async function requireRoomToRecord(world: Pick<PipelineWorld, "room">): Promise<void> {
  const { level, detail } = await world.room();
  if (level === "short") throw new SelfExtensionError("disk-low", detail);
}

// The operating system's words, and PostgreSQL's.
const noRoom = new Set(["ENOSPC", "EDQUOT", "53100"]);

/** Whether something broke because a disk is full: nobody's fault, and it passes. */
export function isDiskFull(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string" && noRoom.has(at.code)) return true;
    if (/\bENOSPC\b|No space left on device/.test(at.message)) return true;
  }
  return false;
}
