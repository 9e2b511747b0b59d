import type { ExecutionPermit } from "@jarvis/operator-core";
import { readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { promotionHead, type Head } from "./promotion-head.ts";
import type { PromotionRemote } from "./promotion-remote.ts";
import { listEvents } from "./runs.ts";
import { loadStaged } from "./staged-change.ts";

/** Removes what an earlier promotion or an earlier round of this run has left on the host. */
export async function removeLeftovers(
  world: PipelineWorld,
  remote: PromotionRemote,
  current: { readonly runId: string; readonly head: Head },
  _permit: ExecutionPermit,
): Promise<void> {
  await removeLeftBranch(world, remote);
  await abandonEarlier(world, remote, current);
}

/** Removes the branch of the last promotion where the host was away when it had landed. */
async function removeLeftBranch(world: PipelineWorld, remote: PromotionRemote): Promise<void> {
  const [last] = await listEvents(world.db, { type: "promoted", limit: 1 });
  if (last?.type === "promoted") {
    await remote.deleteBranch(last.payload.branchName, last.payload.headSha);
  }
}

/** Closes what earlier rounds of this run left on the host when the base moved under them. */
async function abandonEarlier(
  world: PipelineWorld,
  remote: PromotionRemote,
  { runId, head }: { readonly runId: string; readonly head: Head },
): Promise<void> {
  for (const earlier of await verifiedHeads(world, runId)) {
    if (earlier.sha !== head.sha) await remote.abandon(earlier.branch, earlier.sha);
  }
}

/** What the rounds of a run have taken to the host, or may have. */
export async function verifiedHeads(world: PipelineWorld, runId: string): Promise<Head[]> {
  const heads: Head[] = [];
  let stagedSha: string | null = null;
  for (const event of await readRunEvents(world.db, runId)) {
    if (event.type === "proposed") stagedSha = event.payload.stagedSha;
    if (event.type !== "tested" || stagedSha === null) continue;
    const { passed, evidenceDigest } = event.payload;
    if (!passed || evidenceDigest === null) continue;
    const change = await loadStaged(world, runId, stagedSha);
    heads.push(await promotionHead(world, change, evidenceDigest));
  }
  return heads;
}
