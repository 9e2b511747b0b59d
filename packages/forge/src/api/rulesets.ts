import { z } from "zod";

import { notFound, Problem } from "../problem.ts";
import type { GitHubBranchRules, GitHubRuleset } from "../render/github-types.ts";
import type { Repository } from "../repository.ts";
import { appliedRules } from "../rules/branch-rules.ts";
import { RuleDocument, type RulesetDocument } from "../state/documents.ts";
import { parseBody } from "./body.ts";
import { requireAdministrator } from "./branches.ts";
import { created, noContent, ok, operation } from "./operation.ts";

// A kind of rule, a pattern or an exception that is not known here is refused and not ignored: a rule
// that nobody holds is worse than none.
const CreateRuleset = z.object({
  name: z.string().min(1),
  target: z.literal("branch").default("branch"),
  enforcement: z.enum(["active", "disabled"]),
  bypass_actors: z.array(z.never()).optional(),
  conditions: z.object({
    ref_name: z.object({
      include: z
        .array(z.string().regex(/^(?:~ALL|~DEFAULT_BRANCH|refs\/heads\/[^*?[]+(?:\/\*\*)?)$/u))
        .min(1),
      exclude: z.array(z.never()).default([]),
    }),
  }),
  rules: z.array(RuleDocument),
});

const RULESET = "/repos/{owner}/{repo}/rulesets/{ruleset_id}";

export const rulesetOperations = [
  operation(
    "repos/get-branch-rules",
    "GET",
    "/repos/{owner}/{repo}/rules/branches/{branch}",
    async (request, { repository }) => {
      // The branch need not exist: what would hold for one of that name is answered.
      const rulesets = (await repository.state.rulesets()).document;
      const { branch } = request.parameters;
      const applied = appliedRules(rulesets, branch, repository.defaultBranch);
      return ok(
        applied.map(({ rule, ruleset }) => ({
          ...rule,
          ruleset_source_type: "Repository",
          ruleset_source: sourceOf(repository),
          ruleset_id: ruleset.id,
        })) satisfies GitHubBranchRules,
      );
    },
  ),

  operation(
    "repos/create-repo-ruleset",
    "POST",
    "/repos/{owner}/{repo}/rulesets",
    async (request, { repository }) => {
      requireAdministrator(request.actor);
      const { name, enforcement, conditions, rules } = parseBody(CreateRuleset, request.body);
      const stored = await repository.state.rulesets();
      const { id, update } = await repository.state.takeId();
      const { include } = conditions.ref_name;
      const ruleset: RulesetDocument = { id, name, enforcement, include, rules };
      const change = await repository.state.change(stored, [...stored.document, ruleset]);
      await repository.refs.update([update, change]);
      return created(render(repository, ruleset));
    },
  ),

  operation("repos/get-repo-ruleset", "GET", RULESET, async (request, { repository }) => {
    const { document } = await repository.state.rulesets();
    const found = document.find(({ id }) => String(id) === request.parameters.ruleset_id);
    if (found === undefined) throw notFound();
    return ok(render(repository, found));
  }),

  operation("repos/delete-repo-ruleset", "DELETE", RULESET, async (request, { repository }) => {
    requireAdministrator(request.actor);
    const stored = await repository.state.rulesets();
    const left = stored.document.filter(({ id }) => String(id) !== request.parameters.ruleset_id);
    if (left.length === stored.document.length) throw new Problem(404, "Not Found");
    await repository.refs.update([await repository.state.change(stored, left)]);
    return noContent;
  }),
];

function render(repository: Repository, ruleset: RulesetDocument): GitHubRuleset {
  const { id, name, enforcement, include, rules } = ruleset;
  return {
    id,
    name,
    target: "branch",
    source_type: "Repository",
    source: sourceOf(repository),
    enforcement,
    // Nobody is let past a ruleset of this forge.
    current_user_can_bypass: "never",
    conditions: { ref_name: { include, exclude: [] } },
    rules,
  };
}

function sourceOf({ owner, name }: Repository): string {
  return `${owner}/${name}`;
}
