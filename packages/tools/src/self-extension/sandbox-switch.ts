import { DatabaseError } from "@jarvis/db";
import { ObserveOnlyError, type SafetyController } from "@jarvis/operator-core";
import { runInSandbox } from "@jarvis/sandbox";
import type { PipelineWorld } from "./pipeline-world.ts";

/** The sandboxes of a pipeline as the kill switch governs them. */
export interface SandboxSwitch extends Pick<PipelineWorld, "run" | "signal"> {
  /** Ends what runs; what begins after it has a signal of its own. */
  readonly interrupt: () => void;
}

/**
 * After a kill nothing is even tested until a mode is set again: what asks for a sandbox then is
 * answered as one that was ended at once, also in a kernel that was started later.
 */
export function makeSandboxSwitch(safety: () => SafetyController): SandboxSwitch {
  let interrupted = new AbortController();
  return {
    signal: () => interrupted.signal,
    async run(request) {
      const mayRun = await mayTest(safety());
      return await runInSandbox(mayRun ? request : { ...request, signal: AbortSignal.abort() });
    },
    interrupt() {
      interrupted.abort();
      interrupted = new AbortController();
    },
  };
}

/**
 * Testing is reading: allowed in every mode, but not after a kill until a mode is set again. Where the
 * switch cannot be read nothing is tested either, and no run is ended by a kill that nobody asked for.
 * @throws DatabaseError `database-unreachable`
 */
async function mayTest(safety: SafetyController): Promise<boolean> {
  try {
    await safety.checkMayRun("read");
    return true;
  } catch (error) {
    if (!(error instanceof ObserveOnlyError)) throw error;
    if (error.problem !== "database-unreachable") return false;
    throw new DatabaseError(error.problem, "The kill switch could not be read in time.", {
      cause: error,
    });
  }
}
