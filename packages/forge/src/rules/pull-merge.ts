import type { Sha } from "../git/names.ts";
import type { PullDocument } from "../state/documents.ts";
import type { BranchRules } from "./branch-rules.ts";

/** What is known about merging a pull request's head into its base right now. */
export interface MergeFacts {
  pull: Pick<PullDocument, "state" | "draft" | "headSha">;
  /** Undefined when the caller did not guard the merge with a head. */
  expectedHead: Sha | undefined;
  /** Whether a three-way merge works; undefined while nobody computed it. */
  mergeable: boolean | undefined;
  rules: BranchRules | undefined;
  unmetStatuses: string | undefined;
  /** Whether the head contains the newest base. */
  upToDate: boolean;
  /** Whether some status that is not required is not success. */
  optionalUnsuccessful: boolean;
}

export type MergeDecision =
  | { allowed: true }
  | { allowed: false; status: 405 | 409; message: string; protectedBranch: boolean };

/** GitHub's answers, in the order in which GitHub finds them. */
export function decideMerge(facts: MergeFacts): MergeDecision {
  if (facts.pull.state === "closed") return refused(405, "Pull Request is not mergeable");
  if (facts.expectedHead !== undefined && facts.expectedHead !== facts.pull.headSha) {
    return refused(409, "Head branch was modified. Review and try the merge again.");
  }
  if (facts.pull.draft) return refused(405, "Pull Request is still a draft");
  if (facts.mergeable !== true) return refused(405, "Pull Request is not mergeable");
  if (facts.rules?.requiredStatuses?.strict === true && !facts.upToDate) {
    return refused(405, "Head branch is not up to date with the base branch", true);
  }
  if (facts.unmetStatuses !== undefined) return refused(405, facts.unmetStatuses, true);
  const refusal = facts.rules?.refusesMerges ?? null;
  if (refusal !== null) return refused(405, refusal, true);
  return { allowed: true };
}

export type MergeableState =
  | "unknown"
  | "dirty"
  | "draft"
  | "behind"
  | "blocked"
  | "unstable"
  | "clean";

/** `mergeable_state` of an open pull request. */
export function mergeableState(facts: MergeFacts): MergeableState {
  if (facts.mergeable === undefined) return "unknown";
  if (!facts.mergeable) return "dirty";
  if (facts.pull.draft) return "draft";
  if (facts.unmetStatuses !== undefined || facts.rules?.refusesMerges != null) return "blocked";
  if (facts.rules?.requiredStatuses?.strict === true && !facts.upToDate) return "behind";
  return facts.optionalUnsuccessful ? "unstable" : "clean";
}

function refused(status: 405 | 409, message: string, protectedBranch = false): MergeDecision {
  return { allowed: false, status, message, protectedBranch };
}
