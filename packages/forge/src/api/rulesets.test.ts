import { afterEach, beforeEach, describe, expect, it } from "vitest";

import {
  forgeWorld,
  pushBranch,
  refusal,
  report,
  tip,
  type ForgeWorld,
} from "../testing/forge-world.ts";

type Rules = NonNullable<
  Parameters<ForgeWorld["octokit"]["repos"]["createRepoRuleset"]>[0]
>["rules"];

let world: ForgeWorld;

beforeEach(async () => {
  world = await forgeWorld();
});

afterEach(async () => await world[Symbol.asyncDispose]());

async function rule(rules: NonNullable<Rules>, include = ["~DEFAULT_BRANCH"]): Promise<number> {
  const { data } = await world.operator.repos.createRepoRuleset({
    ...world.repo,
    name: "guard",
    enforcement: "active",
    conditions: { ref_name: { include, exclude: [] } },
    rules,
  });
  return data.id;
}

const checks = (strict: boolean, ...contexts: { context: string; integration_id?: number }[]) => ({
  type: "required_status_checks" as const,
  parameters: { strict_required_status_checks_policy: strict, required_status_checks: contexts },
});

const pullsOnly = {
  type: "pull_request" as const,
  parameters: {
    dismiss_stale_reviews_on_push: false,
    require_code_owner_review: false,
    require_last_push_approval: false,
    required_approving_review_count: 0,
    required_review_thread_resolution: false,
  },
};

describe("a ruleset", () => {
  it("is told for the branches that it names, with where it comes from", async () => {
    const { octokit, repo } = world;
    const id = await rule([checks(true, { context: "ci", integration_id: 7 })]);
    await rule([{ type: "deletion" }], ["refs/heads/jarvis/**"]);
    expect((await octokit.repos.getBranchRules({ ...repo, branch: "main" })).data).toEqual([
      {
        ...checks(true, { context: "ci", integration_id: 7 }),
        ruleset_source_type: "Repository",
        ruleset_source: "local/jarvis",
        ruleset_id: id,
      },
    ]);
    // A branch that is not there yet is told what will hold for it.
    const other = await octokit.repos.getBranchRules({ ...repo, branch: "jarvis/change" });
    expect(other.data.map(({ type }) => type)).toEqual(["deletion"]);
    const found = await octokit.repos.getRepoRuleset({ ...repo, ruleset_id: id });
    expect(found.data).toMatchObject({ name: "guard", current_user_can_bypass: "never" });
  });

  it("keeps the base from what did not succeed, besides what protection asks", async () => {
    const { octokit, operator, repo } = world;
    const sha = await pushBranch(world, "feature", { "a.txt": "a\n" });
    const id = await rule([checks(false, { context: "ci" })]);
    const move = async () => await octokit.git.updateRef({ ...repo, ref: "heads/main", sha });
    expect((await refusal(move())).message).toContain('"ci" is expected');
    await report(world, sha, "success", "ci");
    await operator.repos.updateBranchProtection({
      ...repo,
      branch: "main",
      required_status_checks: { strict: false, contexts: ["lint"] },
      enforce_admins: true,
      required_pull_request_reviews: null,
      restrictions: null,
    });
    expect((await refusal(move())).message).toContain('"lint" is expected');
    await report(world, sha, "success", "lint");
    await report(world, sha, "failure", "ci");
    expect((await refusal(move())).message).toContain('"ci" is failing');
    await operator.repos.deleteRepoRuleset({ ...repo, ruleset_id: id });
    await move();
    expect(await tip(world, "main")).toBe(sha);
  });

  it("lets only pull requests move the base, or nothing, or nothing backwards", async () => {
    const { octokit, repo, seedCommit } = world;
    const sha = await pushBranch(world, "feature", { "a.txt": "a\n" });
    const move = async (to: string, force = false) =>
      await octokit.git.updateRef({ ...repo, ref: "heads/main", sha: to, force });
    const locked = await rule([{ type: "update" }]);
    expect((await refusal(move(sha))).message).toContain("Cannot update this protected ref");
    await world.operator.repos.deleteRepoRuleset({ ...repo, ruleset_id: locked });
    await rule([pullsOnly, { type: "non_fast_forward" }]);
    expect((await refusal(move(sha))).message).toContain("through a pull request");
    const pull = await octokit.pulls.create({ ...repo, title: "t", head: "feature", base: "main" });
    await octokit.pulls.merge({ ...repo, pull_number: pull.data.number, sha });
    expect((await refusal(move(seedCommit, true))).message).toContain("Cannot force-push");
  });

  it("that wants a linear history takes no merge", async () => {
    const { octokit, repo } = world;
    const sha = await pushBranch(world, "feature", { "a.txt": "a\n" });
    await rule([{ type: "required_linear_history" }]);
    const { data } = await octokit.pulls.create({
      ...repo,
      title: "t",
      head: "feature",
      base: "main",
    });
    const merging = octokit.pulls.merge({ ...repo, pull_number: data.number });
    expect((await refusal(merging)).message).toContain("must not contain merge commits");
    await octokit.git.updateRef({ ...repo, ref: "heads/main", sha });
    expect(await tip(world, "main")).toBe(sha);
  });

  it("is a person's to make and to remove, and none that the forge cannot hold", async () => {
    const { octokit, operator, repo } = world;
    const wanted = {
      ...repo,
      name: "guard",
      enforcement: "active" as const,
      conditions: { ref_name: { include: ["~ALL"], exclude: [] } },
      rules: [{ type: "deletion" as const }],
    };
    expect((await refusal(octokit.repos.createRepoRuleset(wanted))).status).toBe(403);
    const signed = { ...wanted, rules: [{ type: "required_signatures" as const }] };
    expect((await refusal(operator.repos.createRepoRuleset(signed))).status).toBe(422);
    const id = await rule([{ type: "deletion" }]);
    const named = { ...repo, ruleset_id: id };
    expect((await refusal(octokit.repos.deleteRepoRuleset(named))).status).toBe(403);
    await operator.repos.deleteRepoRuleset(named);
    expect((await refusal(operator.repos.deleteRepoRuleset(named))).status).toBe(404);
    expect((await refusal(octokit.repos.getRepoRuleset(named))).status).toBe(404);
  });
});
