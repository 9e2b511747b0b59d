import type { ExecutionOutcome, Principal } from "@jarvis/operator-core";
import { readSafetyState } from "@jarvis/operator-core";
import {
  openRuns,
  readRun,
  readRunEvents,
  releasesOf,
  settleReleases,
  type Release,
  type Run,
} from "../self-extension/index.ts";
import type { TestWorld } from "./pipeline-world.ts";

export const anna: Principal = { kind: "user", name: "anna" };

/** The actions that asked for the release of a run, newest first. */
export async function allReleasesOf(world: TestWorld, runId: string): Promise<Release[]> {
  const [first] = await readRunEvents(world.db, runId);
  return first === undefined ? [] : await releasesOf(world.db, first.context);
}

/** The newest action that asks for the release of a run. */
export async function releaseOf(world: TestWorld, runId: string): Promise<Release> {
  const [newest] = await allReleasesOf(world, runId);
  if (newest === undefined) throw new Error(`nothing was asked for run ${runId}`);
  return newest;
}

/** What a person does who looks at the action and lets it pass. */
export async function approve(
  world: TestWorld,
  runId: string,
  by: Principal = anna,
): Promise<ExecutionOutcome | { outcome: "refused"; refusal: string }> {
  const { action } = await releaseOf(world, runId);
  const approval = await world.executor.approve(action.id, { by, digest: action.parametersDigest });
  if (approval.outcome === "refused") return approval;
  return await world.executor.execute(action.id, { approvalToken: approval.token });
}

/** One look of the reconciler at what people have decided. */
export async function settle(world: TestWorld, runId: string): Promise<Run> {
  const { mode } = await readSafetyState(world.db);
  const start = async (id: string, attempt: number) => void (await world.attempt(id, attempt));
  await settleReleases(world, { start }, await openRuns(world.db), mode);
  const run = await readRun(world.db, runId);
  if (run === null) throw new Error(`run ${runId} is gone`);
  return run;
}
