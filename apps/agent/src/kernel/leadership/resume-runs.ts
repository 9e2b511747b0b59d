import { DBOS } from "@dbos-inc/dbos-sdk";
import { PIPELINE_PROTOCOL } from "@jarvis/tools/self-extension";

/** The name under which the workflow engine keeps this kernel's runs: each leadership has its own. */
export function executorOf(epoch: number | null): string {
  return epoch === null ? "kernel" : `kernel-${epoch}`;
}

/**
 * Goes on with the runs that kernels before this one have begun: the engine does that by itself only
 * for runs of the same executor. To be called once, while this kernel leads and has begun none.
 */
export async function resumeRunsOfOthers(executorId: string): Promise<number> {
  const begun = await DBOS.listWorkflows({
    status: "PENDING",
    applicationVersion: PIPELINE_PROTOCOL,
    loadInput: false,
    loadOutput: false,
  });
  const others = begun.filter((workflow) => workflow.executorId !== executorId);
  if (others.length > 0) {
    await DBOS.resumeWorkflows(others.map(({ workflowID }) => workflowID));
  }
  return others.length;
}
