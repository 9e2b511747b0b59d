import { afterAll, beforeAll, expect, it } from "vitest";

import { forgeWorld, pushBranch, refusal, type ForgeWorld } from "../testing/forge-world.ts";

let world: ForgeWorld;
beforeAll(async () => {
  world = await forgeWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

it("are written with their creator and read newest first, by id, branch and tag", async () => {
  const { octokit, operator, repo } = world;
  const sha = await pushBranch(world, "feature/s", { "s.txt": "s\n" });
  const status = { ...repo, sha, context: "ci" };
  const made = await octokit.repos.createCommitStatus({
    ...status,
    state: "pending",
    description: "x".repeat(140),
    target_url: "https://example.com/run",
  });
  expect(made.status).toBe(201);
  expect(made.data).toMatchObject({ state: "pending", creator: { login: "jarvis[bot]" } });
  await operator.repos.createCommitStatus({ ...status, state: "success" });
  await octokit.repos.createCommitStatus({ ...repo, sha, state: "success" });
  for (const ref of [sha, "feature/s", "heads/feature/s"]) {
    const { data } = await octokit.repos.listCommitStatusesForRef({ ...repo, ref });
    expect(data.map((each) => [each.context, each.state, each.creator?.login])).toEqual([
      ["default", "success", "jarvis[bot]"],
      ["ci", "success", "operator"],
      ["ci", "pending", "jarvis[bot]"],
    ]);
  }
  const combined = await octokit.repos.getCombinedStatusForRef({ ...repo, ref: "feature/s" });
  expect(combined.data).toMatchObject({ state: "success", total_count: 2, sha });
  await octokit.repos.createCommitStatus({ ...status, state: "error" });
  const worse = await octokit.repos.getCombinedStatusForRef({ ...repo, ref: sha });
  expect(worse.data.state).toBe("failure");
});

it("are pending while there are none", async () => {
  const { octokit, repo, seedCommit } = world;
  const { data } = await octokit.repos.getCombinedStatusForRef({ ...repo, ref: seedCommit });
  expect(data).toMatchObject({ state: "pending", total_count: 0, statuses: [] });
});

it("are refused for what is no commit, no state or too long", async () => {
  const { octokit, repo, seedCommit: sha } = world;
  const create = (overrides: Record<string, unknown>) =>
    octokit.repos.createCommitStatus({ ...repo, sha, state: "success", ...overrides });
  const { data } = await octokit.git.createBlob({ ...repo, content: "x" });
  for (const wrong of ["1".repeat(40), data.sha, "main", sha.slice(0, 10)]) {
    expect(await refusal(create({ sha: wrong }))).toMatchObject({
      status: 422,
      message: `No commit found for SHA: ${wrong}`,
    });
  }
  for (const wrong of [
    { state: "great" },
    { description: "x".repeat(141) },
    { target_url: "javascript:alert(1)" },
  ]) {
    expect(await refusal(create(wrong))).toMatchObject({
      status: 422,
      message: "Validation Failed",
    });
  }
});

it("lose nothing when many are written at once", async () => {
  const { octokit, repo } = world;
  const sha = await pushBranch(world, "many", { "many.txt": "m\n" });
  await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      octokit.repos.createCommitStatus({ ...repo, sha, state: "success", context: `c${index}` }),
    ),
  );
  const { data } = await octokit.repos.listCommitStatusesForRef({ ...repo, ref: sha });
  expect(new Set(data.map(({ id }) => id)).size).toBe(10);
});
