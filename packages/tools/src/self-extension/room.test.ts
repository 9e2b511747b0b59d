import { expect, it } from "vitest";
import { blockReasons } from "./block-reasons.ts";
import { mayContinue } from "./continue-run.ts";
import { isDiskFull, refuseWithoutRoom, requireRoomToRecord, type RoomFacts } from "./room.ts";
import { foldRun, type RunState } from "./run-state.ts";

const room = (level: RoomFacts["level"]) => ({
  room: async () => await Promise.resolve({ level, detail: "so it is" }),
});

it("refuses to begin without room, and to record where there is none at all", async () => {
  expect(await refuseWithoutRoom(room("enough"))).toBeNull();
  expect(await refuseWithoutRoom(room("low"))).toEqual({ reason: "disk-low", detail: "so it is" });
  expect(await refuseWithoutRoom(room("short"))).toMatchObject({ reason: "disk-low" });
  await requireRoomToRecord(room("low"));
  await expect(requireRoomToRecord(room("short"))).rejects.toMatchObject({ code: "disk-low" });
});

it("knows a full disk by the operating system's code and the database's, below any wrapper", () => {
  const code = (word: string): Error => Object.assign(new Error("x"), { code: word });
  expect(isDiskFull(code("ENOSPC"))).toBe(true);
  expect(isDiskFull(new Error("query failed", { cause: code("53100") }))).toBe(true);
  expect(isDiskFull(new Error("git ended with 128: No space left on device"))).toBe(true);
  expect(isDiskFull(code("EACCES"))).toBe(false);
  expect(isDiskFull("ENOSPC")).toBe(false);
});

it.each([
  ["low", 60, false],
  ["enough", 60, true],
  // A disk that nobody watches may be the full one: not at once again.
  ["enough", 0, false],
] as const)("with room %s a run parked for %i s goes on: %s", (level, seconds, goesOn) => {
  expect(blockReasons).toContain("disk-low");
  const parkedAt = new Date("2026-01-01T00:00:00Z");
  const run: RunState = {
    ...foldRun("r", []),
    status: "parked",
    attempt: 1,
    blockReasons: ["disk-low"],
  };
  const now = new Date(parkedAt.getTime() + seconds * 1000);
  const facts = {
    paused: false,
    mode: "execute",
    isWatching: false,
    hostReadyAt: null,
    now,
    parkedAt,
  } as const;
  expect(mayContinue(run, { ...facts, isRoomLow: level === "low" })).toBe(goesOn);
});
