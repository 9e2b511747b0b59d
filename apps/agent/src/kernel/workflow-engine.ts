import { setTimeout as sleep } from "node:timers/promises";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { PIPELINE_PROTOCOL } from "@jarvis/tools/self-extension";
import type { Ground } from "./ground.ts";
import { executorOf, resumeRunsOfOthers } from "./leadership/resume-runs.ts";

/** A promotion that is under way gets so long to end at a stop. */
const LANDING_MS = 5000;
/** The engine itself gets so long to stop. */
const STOP_MS = 2000;

/** Starts the engine that keeps what the steps of runs answered. To be called after the pipeline is registered. */
export async function launchWorkflowEngine({
  database,
  leadership,
}: Pick<Ground, "database" | "leadership">): Promise<void> {
  const executorID = executorOf(leadership?.epoch ?? null);
  DBOS.setConfig({
    name: "jarvis",
    systemDatabaseUrl: database.runtimeUrl,
    applicationVersion: PIPELINE_PROTOCOL,
    executorID,
    logLevel: "error",
  });
  await DBOS.launch();
  if (leadership !== null) await resumeRunsOfOthers(executorID);
}

/** A landing is let end; any other step is done again at the next start and is not waited for. */
export async function stopWorkflowEngine({ progress }: Pick<Ground, "progress">): Promise<void> {
  const drainMs = progress.promoting().length > 0 ? LANDING_MS : 0;
  await Promise.race([
    DBOS.shutdown({ workflowCompletionTimeoutMS: drainMs }),
    sleep(drainMs + STOP_MS),
  ]);
}
