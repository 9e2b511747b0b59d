import { setTimeout as sleep } from "node:timers/promises";
import type { Promotion } from "./promotion-outcome.ts";
import type { PullRequest } from "./promotion-remote.ts";

/** What the host shows of a landing; null for what it does not show. */
export interface LandingFacts {
  readonly mergeSha: string | null;
  readonly landedTree: string | null;
  readonly pullRequest: PullRequest | null;
}

// A host reads from copies that are behind for a moment.
const DELAYS_MS = [100, 400, 1500];

/** Reads back what landed, a few times where not all of it is shown yet. */
export async function readLanding({ remote, head }: Promotion): Promise<LandingFacts> {
  for (let tries = 0; ; tries += 1) {
    const pullRequest = await remote.findPullRequest(head.branch);
    const mergeSha = await remote.landedAs(head.sha);
    const landedTree = mergeSha === null ? null : await remote.treeOf(mergeSha);
    const delayMs = DELAYS_MS[tries];
    const isWhole = pullRequest !== null && mergeSha !== null;
    if (isWhole || delayMs === undefined) return { mergeSha, landedTree, pullRequest };
    await sleep(delayMs);
  }
}
