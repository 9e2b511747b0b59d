import { expect, it } from "vitest";
import { decideReserve, judgeRoom, roomLimits, type PlaceSeen } from "./room-level.ts";

const MIB = 2 ** 20;
const limits = roomLimits(1024 * MIB);

it("keeps a sixteenth of the floor back, from 1 to 32 MiB", () => {
  const kept = (mebibytes: number): number => roomLimits(mebibytes * MIB).reserveBytes / MIB;
  expect([1, 64, 1024, 100_000].map(kept)).toEqual([1, 4, 32, 32]);
});

it.each([
  [2000, true, "keep"],
  [1023, true, "keep"],
  [64, true, "keep"],
  [63, true, "release"],
  [0, true, "release"],
  [63, false, "keep"],
  [1023, false, "keep"],
  [1024, false, "make"],
  [null, true, "keep"],
  [null, false, "keep"],
] as const)("with %s MiB free and a reserve (%s) the step is %s", (free, holdsReserve, step) => {
  const freeBytes = free === null ? null : free * MIB;
  expect(decideReserve({ freeBytes, holdsReserve }, limits)).toBe(step);
});

it.each([
  [[place(2000, true)], "enough"],
  [[place(1024, true), place(5000, true)], "enough"],
  [[place(1023, true)], "low"],
  [[place(2000, true), place(100, true)], "low"],
  [[place(2000, false)], "short"],
  [[place(100, true), place(50, false)], "short"],
  [[place(null, true)], "low"],
  [[place(null, false)], "low"],
] as const)("judges %j", (places, level) => {
  expect(judgeRoom(places, limits).level).toBe(level);
});

it("says where, how much, and what to do", () => {
  expect(judgeRoom([place(100, true)], limits).detail).toBe(
    "100 MiB are free for /state, and nothing new is begun below 1024 MiB; make room there, or lower JARVIS_FREE_SPACE_MIB.",
  );
});

function place(mebibytes: number | null, holdsReserve: boolean): PlaceSeen {
  const freeBytes = mebibytes === null ? null : mebibytes * MIB;
  return { directory: "/state", freeBytes, holdsReserve };
}
