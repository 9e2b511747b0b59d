import { selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { readSafetyState } from "@jarvis/operator-core";
import { and, desc, eq, or, sql } from "drizzle-orm";
import { eachInTurn } from "./each-in-turn.ts";
import { SelfExtensionError } from "./errors.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { verifiedHeads } from "./promotion-leftovers.ts";
import { promotionRemote } from "./promotion-remote.ts";
import { promotionStore } from "./promotion-store.ts";
import { foldRun } from "./run-state.ts";

/**
 * Closes the pull requests of runs that ended without landing, with their branches: the status that
 * says they were verified is green and stays so, and a person's click would land what a kill switch
 * had stopped. Answers a look, which asks the host only where a run has ended since the last one. It
 * changes something on the host and is no promotion, so it waits for execute and for no pause.
 */
export function closeEnded(world: PipelineWorld): () => Promise<void> {
  let lookedAt: number | null = null;
  return async () => {
    const newest = await newestEnd(world.db);
    if (newest === lookedAt) return;
    if ((await readSafetyState(world.db)).mode !== "execute") return;
    if (await closeAll(world)) lookedAt = newest;
  };
}

async function newestEnd(db: JarvisDatabase): Promise<number> {
  const { id, eventType, payload } = selfExtensionEvents;
  const [last] = await db
    .select({ id })
    .from(selfExtensionEvents)
    .where(
      or(
        eq(eventType, "failed"),
        and(eq(eventType, "promotion_blocked"), sql`${payload} ->> 'parked' = 'false'`),
      ),
    )
    .orderBy(desc(id))
    .limit(1);
  return last === undefined ? 0 : last.id;
}

/** False where something may still land, and has to be looked at again. */
async function closeAll(world: PipelineWorld): Promise<boolean> {
  const { octokit, owner, repo } = world.github;
  const remote = promotionRemote(world.github);
  const heads = await remote.openPullRequests();
  const open = await promotionStore(world.db).openIntents();
  let isDone = true;
  const own = heads.filter(({ isOurs }) => isOurs);
  await eachInTurn(own, async (head) => {
    const { data } = await octokit.rest.git.getCommit({ owner, repo, commit_sha: head.sha });
    // What the host says only leads to a run; the ledger says whether the head is that run's, and over.
    const runId = /^Jarvis-Run: (\S+)$/m.exec(data.message)?.[1];
    if (runId === undefined || !(await hasEndedWith(world, runId, head.sha))) return;
    if (open.some(({ headSha }) => headSha === head.sha)) {
      isDone = false;
      return;
    }
    if ((await remote.landedAs(head.sha)) === null) await remote.abandon(head.branch, head.sha);
  });
  return isDone;
}

/** Whether the run has ended without landing, and this is what it had shown. */
async function hasEndedWith(world: PipelineWorld, runId: string, sha: string): Promise<boolean> {
  const { status, blockReasons } = foldRun(runId, await readRunEvents(world.db, runId));
  if (status !== "blocked" && status !== "failed") return false;
  // Somebody else's doing on the host, which a person has to see as it is.
  if (blockReasons.includes("tree-mismatch")) return false;
  try {
    return (await verifiedHeads(world, runId)).some((head) => head.sha === sha);
  } catch (error) {
    // Without what the run was made of nobody can say whose head this is: it is left to a person.
    if (error instanceof SelfExtensionError) return false;
    throw error;
  }
}
