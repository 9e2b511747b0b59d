import type { BranchRule, HeldRule } from "./branch-rules.ts";

/** A rule of the host that may keep Jarvis from what it does there. */
export interface BranchObstacle {
  /** The branch, or the pattern of branches, that it is about. */
  readonly branch: string;
  /** The host's word for the kind of rule. */
  readonly rule: string;
  readonly ruleset: string;
  readonly why: string;
}

/** Rules that Jarvis keeps anyway: it never forces, and deletes no base. */
const KEPT = new Set(["non_fast_forward", "deletion"]);

const UNKNOWN = "Jarvis does not know whether it can keep it";

/** What of a base's rules Jarvis could fail at. A rule that nobody has heard of may be one. Pure. */
export function baseObstacles(branch: string, rules: readonly HeldRule[]): BranchObstacle[] {
  return obstacles(branch, rules, (rule) => {
    if (rule.type === "required_status_checks") return whyNotChecked(rule);
    if (rule.type === "pull_request") {
      const reviews = rule.parameters?.required_approving_review_count ?? 0;
      return reviews > 0
        ? `it asks for ${reviews} approving reviews, which Jarvis cannot give itself: a person has to, or lets Jarvis past`
        : "changes land by pull request only: set `landing` to `merge` in jarvis.config.json";
    }
    if (rule.type === "required_linear_history") {
      return "no merge commit lands: leave `landing` at `fast-forward`";
    }
    if (rule.type === "update") {
      return "nobody may move the base who is not let past this rule: let Jarvis past, or leave it out";
    }
    // The base is there already.
    return rule.type === "creation" ? null : UNKNOWN;
  });
}

function whyNotChecked({ parameters }: Extract<BranchRule, { type: "required_status_checks" }>) {
  const bound = (parameters?.required_status_checks ?? []).find(
    ({ context, integration_id: app }) => app !== undefined && context.startsWith("jarvis/"),
  );
  return bound === undefined
    ? null
    : `${bound.context} counts from the app ${bound.integration_id} only: Jarvis has to sign in as it`;
}

/** What of the rules for Jarvis's own branches it could fail at. Pure. */
export function workBranchObstacles(branch: string, rules: readonly HeldRule[]): BranchObstacle[] {
  return obstacles(branch, rules, ({ type }) => {
    if (type === "creation") return "Jarvis may not make its branches";
    if (type === "deletion") return "Jarvis cannot remove its branches when they have landed";
    return type === "required_linear_history" ? null : UNKNOWN;
  });
}

function obstacles(
  branch: string,
  rules: readonly HeldRule[],
  whyNot: (rule: HeldRule["rule"]) => string | null,
): BranchObstacle[] {
  return rules.flatMap(({ rule, isHeld }) => {
    const isKept = KEPT.has(rule.type) && branch !== WORK_BRANCHES;
    const why = isHeld && !isKept ? whyNot(rule) : null;
    const ruleset = rule.ruleset_source ?? "";
    return why === null ? [] : [{ branch, rule: rule.type, ruleset, why }];
  });
}

/** The branches that Jarvis makes, as a person writes them. */
export const WORK_BRANCHES = "jarvis/**";
