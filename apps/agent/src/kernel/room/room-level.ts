import type { RoomFacts } from "@jarvis/tools/self-extension";

const MIB = 2 ** 20;

export interface RoomLimits {
  /** Below this nothing new is begun. */
  readonly floorBytes: number;
  /** What is kept back for stopping, going back and their events. */
  readonly reserveBytes: number;
}

/** A sixteenth of the floor is kept back, from 1 to 32 MiB. */
export function roomLimits(floorBytes: number): RoomLimits {
  const reserveBytes = Math.min(32 * MIB, Math.max(MIB, Math.floor(floorBytes / 16)));
  return { floorBytes, reserveBytes };
}

/** What one place shows: free bytes, null where nobody can say, and whether its reserve stands. */
export interface PlaceSeen {
  readonly directory: string;
  readonly freeBytes: number | null;
  readonly holdsReserve: boolean;
}

export type ReserveStep = "release" | "make" | "keep";

/**
 * What to do about a reserve: given up late, when less than twice its size is left beside it, so
 * that no other program can eat it early; made again only above the floor. Pure.
 */
export function decideReserve(
  { freeBytes, holdsReserve }: Pick<PlaceSeen, "freeBytes" | "holdsReserve">,
  { floorBytes, reserveBytes }: RoomLimits,
): ReserveStep {
  if (freeBytes === null) return "keep";
  if (holdsReserve) return freeBytes < 2 * reserveBytes ? "release" : "keep";
  return freeBytes >= floorBytes ? "make" : "keep";
}

/** The worst of all places counts; one that cannot be read counts as low. Pure. */
export function judgeRoom(places: readonly PlaceSeen[], limits: RoomLimits): RoomFacts {
  const judged = places.map((place) => ({ place, level: levelOf(place, limits) }));
  const worst =
    judged.find(({ level }) => level === "short") ?? judged.find(({ level }) => level === "low");
  if (worst === undefined) return { level: "enough", detail: "There is room." };
  const { freeBytes, directory } = worst.place;
  const left =
    freeBytes === null
      ? `The free space of ${directory} cannot be read`
      : `${mebibytes(freeBytes)} MiB are free for ${directory}`;
  return {
    level: worst.level,
    detail: `${left}, and nothing new is begun below ${mebibytes(limits.floorBytes)} MiB; make room there, or lower JARVIS_FREE_SPACE_MIB.`,
  };
}

function levelOf(
  { freeBytes, holdsReserve }: PlaceSeen,
  { floorBytes }: RoomLimits,
): RoomFacts["level"] {
  if (freeBytes === null) return "low";
  if (!holdsReserve) return "short";
  return freeBytes < floorBytes ? "low" : "enough";
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / MIB);
}
