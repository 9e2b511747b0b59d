import type {
  ProtectionDocument,
  ProtectionsDocument,
  RuleDocument,
  RulesetDocument,
} from "../state/documents.ts";

/** What a branch is held to, by its protection and by every ruleset that names it. */
export interface BranchRules extends Pick<ProtectionDocument, "requiredStatuses"> {
  readonly isForced: boolean;
  readonly isDeleted: boolean;
  /** Why nothing moves it forward but a merge, or nothing at all; null where pushes may. */
  readonly refusesUpdates: string | null;
  readonly refusesMerges: string | null;
}

/** A rule as it applies to a branch, with the ruleset that it comes from. */
export interface AppliedRule {
  readonly rule: RuleDocument;
  readonly ruleset: RulesetDocument;
}

export function appliedRules(
  rulesets: readonly RulesetDocument[],
  branch: string,
  defaultBranch: string,
): AppliedRule[] {
  return rulesets
    .filter(({ enforcement }) => enforcement === "active")
    .filter(({ include }) => include.some((pattern) => matches(pattern, branch, defaultBranch)))
    .flatMap((ruleset) => ruleset.rules.map((rule) => ({ rule, ruleset })));
}

/** Undefined where nothing holds the branch. */
export function rulesOf(
  branch: string | undefined,
  facts: {
    readonly protections: ProtectionsDocument;
    readonly rulesets: readonly RulesetDocument[];
    readonly defaultBranch: string;
  },
): BranchRules | undefined {
  if (branch === undefined) return undefined;
  const protection = facts.protections[branch];
  const rules = appliedRules(facts.rulesets, branch, facts.defaultBranch).map(({ rule }) => rule);
  if (protection === undefined && rules.length === 0) return undefined;
  const has = (type: RuleDocument["type"]): boolean => rules.some((rule) => rule.type === type);
  const isLocked = has("update") ? "Cannot update this protected ref." : null;
  return {
    requiredStatuses: allStatuses(protection, rules),
    isForced: protection === undefined && !has("non_fast_forward"),
    isDeleted: protection === undefined && !has("deletion"),
    refusesUpdates:
      isLocked ?? (has("pull_request") ? "Changes must be made through a pull request." : null),
    refusesMerges:
      isLocked ??
      (has("required_linear_history") ? "This branch must not contain merge commits." : null),
  };
}

/** The same as GitHub: whatever one of them asks is asked. */
function allStatuses(
  protection: ProtectionDocument | undefined,
  rules: readonly RuleDocument[],
): ProtectionDocument["requiredStatuses"] {
  const asked = rules.flatMap((rule) =>
    rule.type === "required_status_checks" ? [rule.parameters] : [],
  );
  const own = protection?.requiredStatuses ?? null;
  if (asked.length === 0) return own;
  const checks = asked.flatMap((parameters) => parameters.required_status_checks);
  const bound = checks.flatMap(({ context, integration_id: app }) =>
    app === undefined ? [] : [[context, app] as const],
  );
  return {
    strict:
      own?.strict === true ||
      asked.some((parameters) => parameters.strict_required_status_checks_policy),
    contexts: [...new Set([...(own?.contexts ?? []), ...checks.map(({ context }) => context)])],
    apps: { ...own?.apps, ...Object.fromEntries(bound) },
  };
}

function matches(pattern: string, branch: string, defaultBranch: string): boolean {
  if (pattern === "~ALL") return true;
  if (pattern === "~DEFAULT_BRANCH") return branch === defaultBranch;
  const ref = `refs/heads/${branch}`;
  return pattern.endsWith("/**") ? ref.startsWith(pattern.slice(0, -2)) : ref === pattern;
}
