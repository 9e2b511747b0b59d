import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { forgeWorld, pushBranch, refusal, type ForgeWorld } from "../testing/forge-world.ts";

let world: ForgeWorld;
let feature: string;
beforeAll(async () => {
  world = await forgeWorld();
  const first = await pushBranch(world, "feature/x", { "src/a.ts": "export const a = 2;\n" });
  feature = await pushBranch(
    world,
    "feature/x",
    { "new file.txt": "1\n2\n", "README.md": null },
    { from: first, message: "Second\n\nwith a body" },
  );
});
afterAll(() => world[Symbol.asyncDispose]());

it("describes the repository and who asks", async () => {
  const { octokit, operator, repo } = world;
  const { data } = await octokit.repos.get(repo);
  expect(data).toMatchObject({
    full_name: "local/jarvis",
    default_branch: "main",
    clone_url: world.forge.cloneUrl,
    permissions: { admin: false, push: true },
  });
  expect((await operator.repos.get(repo)).data.permissions?.admin).toBe(true);
  expect((await octokit.users.getAuthenticated()).data.login).toBe("jarvis[bot]");
  expect((await operator.users.getAuthenticated()).data.login).toBe("operator");
  expect((await octokit.rateLimit.get()).data.rate.limit).toBe(5000);
  expect((await octokit.meta.root()).data.current_user_url).toBe(`${world.forge.apiUrl}/user`);
  expect((await refusal(octokit.repos.get({ owner: "local", repo: "other" }))).status).toBe(404);
});

describe("contents", () => {
  it("are files, directories and 404", async () => {
    const { octokit, repo } = world;
    const file = await octokit.repos.getContent({ ...repo, path: "src/a.ts", ref: "feature/x" });
    const content = "content" in file.data ? file.data.content : "";
    expect(Buffer.from(content, "base64").toString()).toBe("export const a = 2;\n");
    const root = await octokit.repos.getContent({ ...repo, path: "" });
    const entries = Array.isArray(root.data) ? root.data : [];
    expect(entries.map(({ name, type }) => [name, type])).toEqual([
      ["README.md", "file"],
      ["src", "dir"],
    ]);
    const raw = await octokit.repos.getContent({
      ...repo,
      path: "src/a.ts",
      mediaType: { format: "raw" },
    });
    expect(raw.data).toBe("export const a = 1;\n");
    for (const path of ["none", "src/a.ts/x", "../x"]) {
      expect((await refusal(octokit.repos.getContent({ ...repo, path }))).status).toBe(404);
    }
  });
});

describe("commits", () => {
  it("are listed newest first, by branch, by path and by page", async () => {
    const { octokit, repo, seedCommit } = world;
    const all = await octokit.repos.listCommits({ ...repo, sha: "feature/x" });
    expect(all.data.map(({ sha }) => sha).slice(0, 1)).toEqual([feature]);
    expect(all.data).toHaveLength(4);
    const path = await octokit.repos.listCommits({ ...repo, sha: "feature/x", path: "src/a.ts" });
    expect(path.data).toHaveLength(2);
    const literal = await octokit.repos.listCommits({ ...repo, path: "src/*" });
    expect(literal.data).toHaveLength(0);
    const second = await octokit.repos.listCommits({ ...repo, per_page: 1, page: 2 });
    expect(second.data[0]?.sha).not.toBe(seedCommit);
    expect(second.headers.link).toContain('page=1>; rel="prev"');
    expect(second.headers.link).not.toContain('rel="next"');
    const pages = await octokit.paginate(octokit.repos.listCommits, {
      ...repo,
      sha: "feature/x",
      per_page: 1,
    });
    expect(pages).toHaveLength(4);
  });

  it("are read with their files, by branch, by the beginning of an id and as text", async () => {
    const { octokit, repo } = world;
    const { data } = await octokit.repos.getCommit({ ...repo, ref: "feature/x" });
    expect(data.sha).toBe(feature);
    expect(data.commit.message).toBe("Second\n\nwith a body");
    expect(data.stats).toEqual({ additions: 2, deletions: 1, total: 3 });
    expect(data.files).toMatchObject([
      { filename: "README.md", status: "removed", deletions: 1 },
      { filename: "new file.txt", status: "added", additions: 2, patch: "@@ -0,0 +1,2 @@\n+1\n+2" },
    ]);
    const short = await octokit.repos.getCommit({ ...repo, ref: feature.slice(0, 10) });
    expect(short.data.sha).toBe(feature);
    const diff = await octokit.repos.getCommit({
      ...repo,
      ref: feature,
      mediaType: { format: "diff" },
    });
    expect(textOf(diff.data)).toMatch(/^diff --git a\/README.md/u);
    const patch = await octokit.repos.getCommit({
      ...repo,
      ref: feature,
      mediaType: { format: "patch" },
    });
    expect(textOf(patch.data)).toContain("Subject: [PATCH] Second");
  });

  it("does not speak git's revision language", async () => {
    const { octokit, repo } = world;
    for (const ref of ["main~1", "main^", ":/Begin", "@{-1}", "main^{tree}", "--all"]) {
      expect((await refusal(octokit.repos.getCommit({ ...repo, ref }))).status).toBe(404);
    }
    const unknown = octokit.repos.getCommit({ ...repo, ref: "1".repeat(40) });
    expect(await refusal(unknown)).toMatchObject({
      status: 422,
      message: `No commit found for SHA: ${"1".repeat(40)}`,
    });
  });
});

describe("a comparison", () => {
  it.each([
    ["main...feature/x", "ahead", 2, 0],
    ["feature/x...main", "behind", 0, 2],
    ["main...main", "identical", 0, 0],
  ])("of %s is %s", async (basehead, status, ahead, behind) => {
    const { octokit, repo } = world;
    const { data } = await octokit.repos.compareCommitsWithBasehead({ ...repo, basehead });
    expect(data).toMatchObject({ status, ahead_by: ahead, behind_by: behind });
    expect(data.commits).toHaveLength(ahead);
  });

  it("diverges, counts from where they left each other, and is a diff on request", async () => {
    const { octokit, repo } = world;
    const other = await pushBranch(world, "other", { "other.txt": "o\n" });
    const basehead = `local:feature/x...${other}`;
    const { data } = await octokit.repos.compareCommitsWithBasehead({ ...repo, basehead });
    expect(data).toMatchObject({ status: "diverged", ahead_by: 1, behind_by: 2 });
    expect(data.merge_base_commit.sha).toBe(world.seedCommit);
    expect(data.files?.map(({ filename }) => filename)).toEqual(["other.txt"]);
    const diff = await octokit.repos.compareCommitsWithBasehead({
      ...repo,
      basehead,
      mediaType: { format: "diff" },
    });
    expect(textOf(diff.data)).toContain("+++ b/other.txt");
    const unknown = octokit.repos.compareCommitsWithBasehead({ ...repo, basehead: "main...none" });
    expect((await refusal(unknown)).status).toBe(404);
  });
});

describe("branches", () => {
  it("are listed and read, with slashes in their names", async () => {
    const { octokit, repo } = world;
    const listed = await octokit.repos.listBranches(repo);
    expect(listed.data.map(({ name }) => name)).toContain("feature/x");
    const { data } = await octokit.repos.getBranch({ ...repo, branch: "feature/x" });
    expect(data).toMatchObject({ name: "feature/x", commit: { sha: feature }, protected: false });
    expect(await refusal(octokit.repos.getBranch({ ...repo, branch: "none" }))).toMatchObject({
      status: 404,
      message: "Branch not found",
    });
  });
});

describe("protection", () => {
  it("is set, read and removed by the operator and not by the pipeline", async () => {
    const { octokit, operator, repo } = world;
    const branch = { ...repo, branch: "main" };
    const rules = {
      ...branch,
      required_status_checks: { strict: true, contexts: ["a"], checks: [{ context: "b" }] },
      enforce_admins: true,
      required_pull_request_reviews: null,
      restrictions: null,
    };
    expect(await refusal(octokit.repos.updateBranchProtection(rules))).toMatchObject({
      status: 403,
      message: "Resource not accessible by integration",
    });
    expect(await refusal(octokit.repos.getBranchProtection(branch))).toMatchObject({
      status: 404,
      message: "Branch not protected",
    });
    await operator.repos.updateBranchProtection(rules);
    const { data } = await octokit.repos.getBranchProtection(branch);
    expect(data).toMatchObject({
      required_status_checks: { strict: true, contexts: ["a", "b"] },
      enforce_admins: { enabled: true },
      allow_force_pushes: { enabled: false },
    });
    expect((await octokit.repos.getBranch(branch)).data.protected).toBe(true);
    expect((await refusal(octokit.repos.deleteBranchProtection(branch))).status).toBe(403);
    await operator.repos.deleteBranchProtection(branch);
    expect((await refusal(operator.repos.deleteBranchProtection(branch))).status).toBe(404);
    const reviews = operator.repos.updateBranchProtection({
      ...rules,
      required_pull_request_reviews: {},
    });
    expect((await refusal(reviews)).status).toBe(422);
    for (const flag of ["required_linear_history", "lock_branch", "allow_force_pushes"]) {
      const more = operator.repos.updateBranchProtection({ ...rules, [flag]: true });
      expect((await refusal(more)).status).toBe(422);
    }
    const none = operator.repos.updateBranchProtection({ ...rules, branch: "none" });
    expect((await refusal(none)).status).toBe(404);
  });
});

/** Octokit types every media type as JSON. */
function textOf(data: unknown): string {
  return typeof data === "string" ? data : JSON.stringify(data);
}
