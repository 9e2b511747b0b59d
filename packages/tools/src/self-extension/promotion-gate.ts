import type { BlockReason } from "./block-reasons.ts";
import type { Refusal } from "./proposal.ts";
import { EVIDENCE_STATUS_CONTEXT, FENCE_STATUS_CONTEXT } from "./run-result.ts";
import type { ServingFacts } from "./serving-gate.ts";

export interface ReportedStatus {
  readonly context: string;
  readonly state: string;
  /** Who wrote it, by the account's id; null where the host does not say. */
  readonly creatorId: number | null;
  readonly description: string | null;
}

/** What may keep a change from landing whatever the repository host says. */
export interface SwitchFacts extends ServingFacts {
  readonly paused: boolean;
  readonly pauseReason: string;
  readonly mode: "observe" | "execute";
  /** Why the ledger is not to be built upon; null where it is what was sealed. */
  readonly ledger: Refusal | null;
}

export interface PromotionFacts extends SwitchFacts {
  /** Contexts that the base's protection requires; undefined where the protection could not be read. */
  readonly requiredContexts: readonly string[] | undefined;
  /** Statuses of the very commit that is to land, newest first. */
  readonly statuses: readonly ReportedStatus[];
  /** Our own account on the host. */
  readonly ownAccountId: number;
  /** What our status says of the evidence that is stored here. */
  readonly evidenceDescription: string;
  readonly verifiedBaseSha: string;
  readonly currentBaseSha: string;
  readonly landing: "fast-forward" | "merge";
  /** Whether the base's protection demands up-to-date branches. */
  readonly strict: boolean;
}

export type PromotionDecision =
  | { readonly promote: true }
  | { readonly promote: false; readonly reasons: readonly BlockReason[]; readonly detail: string };

/**
 * Whether a commit may land now. Pure, so that "why is it blocked" is answered by the function that
 * decides. Missing, pending and unknown block; only success lets pass.
 */
export function decidePromotion(facts: PromotionFacts): PromotionDecision {
  const found = decideSwitches(facts);
  const block = (reason: BlockReason, detail: string): void => {
    found.push({ reason, detail });
  };
  if (facts.currentBaseSha !== facts.verifiedBaseSha) {
    block(
      "base-moved",
      `The base is ${facts.currentBaseSha}, the change was verified on ${facts.verifiedBaseSha}.`,
    );
  }
  if (facts.landing === "merge" && !facts.strict) {
    block(
      "base-not-strict",
      "Landing by merge needs a base whose protection requires branches to be up to date.",
    );
  }
  if (facts.requiredContexts === undefined) {
    block(
      "status-missing",
      "The protection of the base could not be read, so its statuses are unknown.",
    );
  }
  const required = new Set([EVIDENCE_STATUS_CONTEXT, ...(facts.requiredContexts ?? [])]);
  // The fence is opened by this decision: see `promotion-landing.ts`.
  required.delete(FENCE_STATUS_CONTEXT);
  for (const context of required) {
    // The newest status of a context is the one that counts.
    const newest = facts.statuses.find((status) => status.context === context);
    const state = newest?.state;
    if (newest !== undefined && context === EVIDENCE_STATUS_CONTEXT) {
      const objection = whyNotOurs(newest, facts);
      if (objection !== null) {
        block("status-missing", `The status ${context} does not count: ${objection}.`);
        continue;
      }
    }
    if (state === undefined) block("status-missing", `The status ${context} is missing.`);
    else if (state === "pending") block("status-pending", `The status ${context} is pending.`);
    else if (state !== "success") block("status-failing", `The status ${context} is ${state}.`);
  }
  if (found.length === 0) return { promote: true };
  const { reasons, detail } = inOneBlock(found);
  // What waits for something looks at the base again anyway; named beside a reason that can pass, a
  // base that moved would end the run.
  const isAlone = reasons.length === 1;
  const told = isAlone ? reasons : reasons.filter((reason) => reason !== "base-moved");
  return { promote: false, reasons: told, detail };
}

/** Why a status is not the one that this Jarvis wrote about this evidence; null where it is. */
function whyNotOurs(
  status: ReportedStatus,
  facts: Pick<PromotionFacts, "ownAccountId" | "evidenceDescription">,
): string | null {
  if (status.creatorId !== facts.ownAccountId) {
    return `account ${status.creatorId ?? "unknown"} wrote it, ours is ${facts.ownAccountId}`;
  }
  return status.description === facts.evidenceDescription ? null : "it tells of other evidence";
}

export const observesOnly: Refusal = {
  reason: "observe-only",
  detail: "Jarvis only observes; run `jarvis mode execute --reason TEXT` to let it promote.",
};

/** What several refusals make of one run: each reason once, and every sentence. */
export function inOneBlock(refusals: readonly Refusal[]): {
  readonly reasons: readonly BlockReason[];
  readonly detail: string;
} {
  return {
    reasons: [...new Set(refusals.map(({ reason }) => reason))],
    detail: refusals.map(({ detail }) => detail).join(" "),
  };
}

/** The part of the decision that needs no GitHub: checked before the first mutation and again before the merge. */
export function decideSwitches(facts: SwitchFacts): Refusal[] {
  const found: Refusal[] = [];
  // Going back is what a pause must not hold up.
  if (facts.paused && !facts.isRevert) {
    found.push({ reason: "promotion-paused", detail: `Promotion is paused: ${facts.pauseReason}` });
  }
  if (facts.ledger !== null && !facts.isRevert) found.push(facts.ledger);
  if (facts.mode !== "execute") found.push(observesOnly);
  if (facts.watched !== null) {
    found.push({
      reason: "health-window-open",
      detail: `"${facts.watched}" was promoted and is still watched; promotion goes on when that is decided.`,
    });
  }
  if (facts.unreverted !== null) {
    found.push({
      reason: "rollback-required",
      detail: `The base still holds "${facts.unreverted}", which was rolled back; promotion goes on when it is reverted there.`,
    });
  }
  return found;
}
