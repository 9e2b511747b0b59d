import { expect, it } from "vitest";
import type { BlockReason } from "./block-reasons.ts";
import { mayContinue, type ContinueFacts } from "./continue-run.ts";
import { foldRun } from "./run-state.ts";

const parkedAt = new Date("2026-01-01T00:00:00Z");

it.each<[BlockReason, number, Partial<ContinueFacts>, boolean]>([
  ["promotion-paused", 0, { paused: true }, false],
  ["promotion-paused", 0, {}, true],
  ["observe-only", 60, { mode: "observe" }, false],
  ["observe-only", 0, {}, true],
  // A sandbox that is ended again and again is not begun each second.
  ["kill-switch-active", 60, { mode: "observe" }, false],
  ["kill-switch-active", 0, {}, false],
  ["kill-switch-active", 60, {}, true],
  ["health-window-open", 0, { isWatching: true }, false],
  ["evaluator-changed", 86_400, {}, false],
  ["isolated-verification-failed", 1, {}, false],
  ["isolated-verification-failed", 60, {}, true],
])("a run parked with %s for %i s, %j, goes on: %s", (reason, seconds, facts, goesOn) => {
  const run = {
    ...foldRun("r", []),
    status: "parked",
    attempt: 1,
    blockReasons: [reason],
  } as const;
  const now = new Date(parkedAt.getTime() + seconds * 1000);
  const quiet = { paused: false, mode: "execute", isWatching: false, isRoomLow: false } as const;
  expect(mayContinue(run, { ...quiet, hostReadyAt: null, now, parkedAt, ...facts })).toBe(goesOn);
});
