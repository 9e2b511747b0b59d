import { writeCommit } from "./git/mirror.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { branchNameOf, promotionMessage } from "./promotion-text.ts";
import { JARVIS_IDENTITY, type Staged } from "./staged-change.ts";

/** The commit that is to land, and the branch it is shown on. */
export interface Head {
  readonly sha: string;
  readonly branch: string;
  readonly message: string;
}

/** The verified tree on the verified base, with trailers; the same at every repetition. */
export async function promotionHead(
  world: Pick<PipelineWorld, "mirror">,
  change: Staged,
  evidenceDigest: string,
): Promise<Head> {
  const message = promotionMessage({ change, evidenceDigest });
  const sha = await writeCommit(world.mirror, {
    tree: change.treeSha,
    parents: [change.baseSha],
    identity: JARVIS_IDENTITY,
    date: change.date,
    message,
  });
  return { sha, branch: branchNameOf(change), message };
}
