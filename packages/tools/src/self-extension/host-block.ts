import type { HostProblem } from "./host-problem.ts";
import {
  recordPromotionBlock,
  type Promotion,
  type PromotionOutcome,
} from "./promotion-outcome.ts";
import type { PullRequest } from "./promotion-remote.ts";
import { noteHostWait } from "./rate-budget.ts";

/** Parks a promotion that the host cannot be asked for now; what the host said of waiting is kept. */
export async function parkForHost(
  promotion: Promotion,
  pullRequest: PullRequest | null,
  problem: HostProblem,
): Promise<PromotionOutcome> {
  await noteHostWait(promotion.world.db, problem);
  const { reason, detail } = problem;
  return await recordPromotionBlock(promotion, pullRequest, { reasons: [reason], detail });
}
