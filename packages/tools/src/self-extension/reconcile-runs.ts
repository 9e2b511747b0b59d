import type { Pipeline } from "./pipeline.ts";
import { isTerminal, type RunState } from "./run-state.ts";

/**
 * Starts again what a crash or a turned switch has left: runs that never got a workflow, and parked
 * runs whose reasons no longer hold. Safe to call at any time and as often as one likes.
 */
export async function reconcileRuns(
  pipeline: Pick<Pipeline, "start">,
  runs: readonly RunState[],
  mayContinue: (run: RunState) => boolean,
): Promise<string[]> {
  const started: string[] = [];
  for (const run of runs) {
    if (isTerminal(run.status)) continue;
    if (run.status === "parked") {
      if (!mayContinue(run)) continue;
      await pipeline.start(run.runId, run.attempt + 1);
      started.push(run.runId);
    } else {
      // The engine knows this workflow id already, unless the crash came before the start.
      await pipeline.start(run.runId, run.attempt);
    }
  }
  return started;
}
