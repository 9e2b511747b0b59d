import {
  appendSelfExtensionEvent,
  fetchBase,
  promotedChange,
  proposeRevert,
  revertRunId,
  treeOf,
} from "../self-extension/index.ts";
import type { TestRepository } from "./git-repository.ts";
import { rollback } from "./lifecycle.ts";
import type { TestWorld } from "./pipeline-world.ts";

/** Promotes a change of the base as it stands now; answers its run. */
export async function promoteOnBase(
  world: TestWorld,
  repository: TestRepository,
  files: Record<string, string | null>,
  more: Record<string, unknown> = {},
): Promise<string> {
  await stepToBase(world, repository);
  const run = await world.propose(repository.patch(files), more);
  if (!run.result.success) throw new Error(`not promoted: ${JSON.stringify(run.result)}`);
  return run.state.runId;
}

/** Brings the person's work tree to the base as it stands now. */
export async function stepToBase(world: TestWorld, repository: TestRepository): Promise<void> {
  // Through the mirror: this process is the forge, and cannot answer a program that it waits for.
  await fetchBase(world);
  repository.git("fetch", "-q", world.mirror.gitDir, "refs/jarvis/remote/main");
  repository.git("reset", "-q", "--hard", "FETCH_HEAD");
}

/** What the kernel does when it has gone back: both events, and the run that reverts, which it answers. */
export async function rollBack(world: TestWorld, runId: string): Promise<string> {
  const change = await promotedChange(world, runId);
  if (change === null) throw new Error(`run ${runId} promoted nothing`);
  const id = revertRunId({ runId, attempt: 1, startedAt: change.promotedAt });
  for (const event of rollback(runId, id)) await appendSelfExtensionEvent(world.db, event);
  const baseTree = await treeOf(world.mirror, await fetchBase(world));
  await proposeRevert(world, { runId: id, change, baseTree });
  return id;
}
