import { expect, it } from "vitest";
import { describeRuns } from "./text.ts";
import type { WireRun } from "./wire.ts";

it("every status of a run leaves the columns behind it where they are", () => {
  const columns = ["parked", "promoted", "rolled-back", "verifying"].map((status) =>
    describeRuns([aRun(status)]).indexOf("2026-01-01"),
  );
  expect(new Set(columns).size).toBe(1);
});

function aRun(status: string): WireRun {
  return {
    runId: "01990000-0000-7000-8000-000000000000",
    status,
    attempt: 1,
    title: "A change",
    blockReasons: [],
    pullRequestUrl: null,
    mergeSha: null,
    startedAt: "2026-01-01T00:00:00.000Z",
    updatedAt: null,
    endedAt: null,
    progress: null,
  };
}
