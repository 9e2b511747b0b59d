import type { HeldRule } from "./branch-rules.ts";

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

/** What of a base's rules Jarvis could fail at. A rule that nobody has heard of may be one. Pure. */
export function baseObstacles(branch: string, rules: readonly HeldRule[]): BranchObstacle[] {
  return obstacles(branch, rules, (rule) => {
    switch (rule.type) {
      case "required_status_checks": {
        const bound = (rule.parameters?.required_status_checks ?? []).filter(
          ({ context, integration_id: app }) => app !== undefined && context.startsWith("jarvis/"),
        );
        const [first] = bound;
        return first === undefined
          ? null
          : `${first.context} counts from the app ${first.integration_id} only: Jarvis has to sign in as it`;
      }
      case "pull_request": {
        const reviews = rule.parameters?.required_approving_review_count ?? 0;
        return reviews > 0
          ? `it asks for ${reviews} approving reviews, which Jarvis cannot give itself: a person has to, or lets Jarvis past`
          : "changes land by pull request only: set `landing` to `merge` in jarvis.config.json";
      }
      case "required_linear_history":
        return "no merge commit lands: leave `landing` at `fast-forward`";
      case "update":
        return "nobody may move the base who is not let past this rule: let Jarvis past, or leave it out";
      // The base is there already.
      case "creation":
        return null;
      default:
        return "Jarvis does not know whether it can keep it";
    }
  });
}

/** What of the rules for Jarvis's own branches it could fail at. Pure. */
export function workBranchObstacles(branch: string, rules: readonly HeldRule[]): BranchObstacle[] {
  return obstacles(branch, rules, ({ type }) => {
    switch (type) {
      case "creation":
        return "Jarvis may not make its branches";
      case "deletion":
        return "Jarvis cannot remove its branches when they have landed";
      case "required_linear_history":
        return null;
      default:
        return "Jarvis does not know whether it can keep it";
    }
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
