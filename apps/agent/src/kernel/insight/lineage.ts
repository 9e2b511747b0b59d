import { selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import {
  openHolds,
  readRunStates,
  type PipelineWorld,
  type RunState,
} from "@jarvis/tools/self-extension";
import { and, desc, inArray, lt } from "drizzle-orm";

/** A commit that was promoted, or a base that was vouched for, and what became of its release. */
export interface LineageNode {
  readonly runId: string;
  readonly sha: string;
  /** The commit that it was built upon; null for a base. */
  readonly parentSha: string | null;
  readonly title: string | null;
  readonly status: RunState["status"];
  readonly releaseDigest: string | null;
  readonly isHeld: boolean;
  /** Where serving went back to, and the run that takes the change back on the base. */
  readonly rollback: { readonly toSha: string | null; readonly runId: string | null } | null;
  readonly at: string | null;
  /** The event by which it is paged: the first one of its release. */
  readonly eventId: string;
}

export async function lineage(
  world: Pick<PipelineWorld, "db" | "mirror">,
  page: { limit: number; before: number | undefined },
): Promise<LineageNode[]> {
  const found = await releasesOf(world.db, page);
  const states = await readRunStates(world.db, [...found.keys()]);
  const held = new Set((await openHolds(world)).map(({ runId }) => runId));
  return states.flatMap((state) => {
    const facts = found.get(state.runId);
    const sha = state.mergeSha ?? facts?.sha ?? null;
    if (facts === undefined || sha === null) return [];
    return [
      {
        runId: state.runId,
        sha,
        parentSha: state.mergeSha === null ? null : state.baseSha,
        title: state.title,
        status: state.status,
        releaseDigest: state.releaseDigest,
        isHeld: held.has(state.runId),
        rollback:
          state.rollback === null
            ? null
            : { toSha: state.rollback.targetBaselineSha, runId: state.rollback.runId },
        at: state.updatedAt,
        eventId: String(facts.eventId),
      },
    ];
  });
}

/** Runs that brought a release, newest first, by the event that says so; bases by their blessing. */
async function releasesOf(
  db: JarvisDatabase,
  { limit, before }: { limit: number; before: number | undefined },
): Promise<Map<string, { eventId: number; sha: string | null }>> {
  const rows = await db
    .select()
    .from(selfExtensionEvents)
    .where(
      and(
        inArray(selfExtensionEvents.eventType, ["promoted", "baseline_blessed"]),
        before === undefined ? undefined : lt(selfExtensionEvents.id, before),
      ),
    )
    .orderBy(desc(selfExtensionEvents.id))
    // A release that was blessed has both.
    .limit(limit * 2);
  const found = new Map<string, { eventId: number; sha: string | null }>();
  for (const { runId, id, payload } of rows) {
    const sha = payload["sha"] ?? payload["mergeSha"];
    if (found.size === limit && !found.has(runId)) continue;
    found.set(runId, { eventId: id, sha: typeof sha === "string" ? sha : null });
  }
  return found;
}
