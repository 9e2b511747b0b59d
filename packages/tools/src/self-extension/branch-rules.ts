import type { Octokit, RestEndpointMethodTypes } from "@octokit/rest";
import { statusOf } from "./host-problem.ts";

/** What protects a branch, by its protection and by the rulesets that name it. */
export interface Protection {
  /** Statuses that the host asks for before the branch moves, whoever asks it. */
  readonly contexts: readonly string[];
  /** Whether it demands up-to-date branches. */
  readonly strict: boolean;
  /** Of the contexts, those that hold administrators too, who may be us. */
  readonly ofEverybody: readonly string[];
  /** Of the contexts, those that hold whoever is no administrator. */
  readonly ofUsers: readonly string[];
}

export type BranchRule =
  RestEndpointMethodTypes["repos"]["getBranchRules"]["response"]["data"][number];

/** The rules of a branch, each with whether our own credential is held to it. */
export interface HeldRule {
  readonly rule: BranchRule;
  /** False where the ruleset lets us past, or does not say. */
  readonly isHeld: boolean;
}

export interface BranchPlace {
  readonly octokit: Octokit;
  readonly owner: string;
  readonly repo: string;
}

export const noProtection: Protection = {
  contexts: [],
  strict: false,
  ofEverybody: [],
  ofUsers: [],
};

/**
 * The rules that apply to a branch of that name, by every ruleset of the repository and of what is
 * above it; undefined where they may not be read. A host that knows no rulesets has none.
 */
export async function readBranchRules(
  { octokit, owner, repo }: BranchPlace,
  branch: string,
): Promise<readonly HeldRule[] | undefined> {
  const at = { owner, repo };
  let rules: readonly BranchRule[];
  try {
    rules = await octokit.paginate(octokit.rest.repos.getBranchRules, {
      ...at,
      branch,
      per_page: 100,
    });
  } catch (error) {
    if (statusOf(error) === 404) return [];
    if (statusOf(error) === 403) return undefined;
    throw error;
  }
  const ids = new Set(rules.flatMap(({ ruleset_id: id }) => (id === undefined ? [] : [id])));
  const held = new Set<number>();
  for (const id of ids) if (await isHeldTo(id)) held.add(id);
  return rules.map((rule) => ({ rule, isHeld: held.has(rule.ruleset_id ?? Number.NaN) }));

  async function isHeldTo(id: number): Promise<boolean> {
    try {
      const { data } = await octokit.rest.repos.getRepoRuleset({ ...at, ruleset_id: id });
      return data.current_user_can_bypass === "never";
    } catch (error) {
      if (statusOf(error) === 404 || statusOf(error) === 403) return false;
      throw error;
    }
  }
}

/**
 * Protection and rules together: what either asks is asked, and it is strict where either is. What a
 * ruleset asks of others and not of us counts as asked, and holds nobody. Pure.
 */
export function protectionWith(own: Protection, rules: readonly HeldRule[]): Protection {
  const asked = rules.flatMap(({ rule, isHeld }) =>
    rule.type === "required_status_checks" && rule.parameters !== undefined
      ? [{ ...rule.parameters, isHeld }]
      : [],
  );
  const contextsOf = (parts: typeof asked): string[] =>
    parts.flatMap((part) => part.required_status_checks.map(({ context }) => context));
  const held = asked.filter(({ isHeld }) => isHeld);
  const both = (first: readonly string[], second: readonly string[]): string[] => [
    ...new Set([...first, ...second]),
  ];
  return {
    contexts: both(own.contexts, contextsOf(asked)),
    strict:
      own.strict ||
      held.some(
        (part) =>
          part.strict_required_status_checks_policy && part.required_status_checks.length > 0,
      ),
    ofEverybody: both(own.ofEverybody, contextsOf(held)),
    ofUsers: both(own.ofUsers, contextsOf(held)),
  };
}
