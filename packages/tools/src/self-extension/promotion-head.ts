import { writeCommit } from "./git/mirror.ts";
import { anchorOfVerdict } from "./ledger-seal.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { branchNameOf, promotionMessage } from "./promotion-text.ts";
import { JARVIS_IDENTITY } from "./restore-staged.ts";
import type { Staged } from "./staged-change.ts";

/** The commit that is to land, and the branch it is shown on. */
export interface Head {
  readonly sha: string;
  readonly branch: string;
  readonly message: string;
}

/**
 * The verified tree on the verified base, with trailers; the same at every repetition. One of them is
 * a checkpoint over the verdict, which this waits for.
 * @throws LedgerError `not-sealed`
 */
export async function promotionHead(
  world: Pick<PipelineWorld, "mirror" | "db" | "ledger">,
  change: Staged,
  evidenceDigest: string,
): Promise<Head> {
  const anchor = await anchorOfVerdict(world, change.runId, evidenceDigest);
  const message = promotionMessage({ change, evidenceDigest, anchor });
  const sha = await writeCommit(world.mirror, {
    tree: change.treeSha,
    parents: [change.baseSha],
    identity: JARVIS_IDENTITY,
    date: change.date,
    message,
  });
  return { sha, branch: branchNameOf(change), message };
}
