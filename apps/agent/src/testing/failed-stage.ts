import type { StageDiagnostics } from "@jarvis/tools/self-extension";

/** A test stage in which one test failed, as the author is told of it. */
export function failedStage(test: string, outputTail = ""): StageDiagnostics {
  return {
    name: "tests",
    kind: "test",
    status: "failed",
    category: "tests-failed",
    reason: "one test failed",
    startedAt: "2026-01-01T00:00:00.000Z",
    endedAt: "2026-01-01T00:00:00.001Z",
    durationMs: 1,
    exit: "exit code 1",
    outputTail,
    failingTests: [test],
  };
}
