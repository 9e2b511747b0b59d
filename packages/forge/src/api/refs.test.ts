import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  forgeWorld,
  pushBranch,
  refusal,
  report,
  tip,
  type ForgeWorld,
} from "../testing/forge-world.ts";

describe("refs", () => {
  let world: ForgeWorld;
  beforeAll(async () => {
    world = await forgeWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it("are created, read, listed, moved and deleted", async () => {
    const { octokit, repo, seedCommit } = world;
    const ref = "heads/feature/one";
    const made = await octokit.git.createRef({ ...repo, ref: `refs/${ref}`, sha: seedCommit });
    expect(made.status).toBe(201);
    expect(made.data).toMatchObject({
      ref: `refs/${ref}`,
      object: { type: "commit", sha: seedCommit },
    });
    expect((await octokit.git.getRef({ ...repo, ref })).data.object.sha).toBe(seedCommit);
    const listed = await octokit.git.listMatchingRefs({ ...repo, ref: "heads/feature/o" });
    expect(listed.data.map((each) => each.ref)).toEqual([`refs/${ref}`]);
    const sha = await pushBranch(world, "feature/two", { "x.txt": "x\n" });
    await octokit.git.updateRef({ ...repo, ref, sha });
    expect(await tip(world, "feature/one")).toBe(sha);
    expect((await octokit.git.deleteRef({ ...repo, ref })).status).toBe(204);
    expect((await refusal(octokit.git.getRef({ ...repo, ref }))).status).toBe(404);
  });

  it("refuses what exists, what does not exist and what is no commit", async () => {
    const { octokit, repo, seedCommit } = world;
    const blob = await octokit.git.createBlob({ ...repo, content: "x" });
    const cases: [() => Promise<unknown>, string][] = [
      [
        () => octokit.git.createRef({ ...repo, ref: "refs/heads/main", sha: seedCommit }),
        "Reference already exists",
      ],
      [
        () => octokit.git.createRef({ ...repo, ref: "refs/heads/n", sha: "1".repeat(40) }),
        "Object does not exist",
      ],
      [
        () => octokit.git.createRef({ ...repo, ref: "refs/heads/n", sha: blob.data.sha }),
        "Object is not a commit",
      ],
      [
        () => octokit.git.createRef({ ...repo, ref: "refs/heads/main/x", sha: seedCommit }),
        "Reference update failed",
      ],
      [
        () => octokit.git.createRef({ ...repo, ref: "refs/heads/a..b", sha: seedCommit }),
        "refs/heads/a..b is not a valid ref name.",
      ],
      [
        () => octokit.git.createRef({ ...repo, ref: "refs/forge/meta2", sha: seedCommit }),
        "refs/forge/meta2 is not a valid ref name.",
      ],
      [
        () => octokit.git.createRef({ ...repo, ref: "refs/pull/9/head", sha: seedCommit }),
        "refs/pull/9/head is not a valid ref name.",
      ],
      [
        () => octokit.git.updateRef({ ...repo, ref: "pull/1/head", sha: seedCommit }),
        "Reference does not exist",
      ],
      [
        () => octokit.git.updateRef({ ...repo, ref: "heads/none", sha: seedCommit }),
        "Reference does not exist",
      ],
      [() => octokit.git.deleteRef({ ...repo, ref: "forge/meta" }), "Reference does not exist"],
      [
        () => octokit.git.deleteRef({ ...repo, ref: "heads/main" }),
        "Cannot delete the default branch",
      ],
    ];
    for (const [call, message] of cases) {
      expect(await refusal(call())).toMatchObject({ status: 422, message });
    }
    expect((await refusal(octokit.git.getRef({ ...repo, ref: "forge/meta" }))).status).toBe(404);
  });

  it("says in GitHub's shape what is wrong with a body", async () => {
    const { octokit, repo } = world;
    const call = octokit.request("POST /repos/{owner}/{repo}/git/refs", {
      ...repo,
      sha: world.seedCommit,
    } as never);
    expect((await refusal(call)).body).toEqual({
      message: 'Invalid request.\n\n"ref" wasn\'t supplied.',
      documentation_url: "https://docs.github.com/rest",
      status: "422",
    });
  });

  it("moves aside only by force", async () => {
    const { octokit, repo } = world;
    const first = await pushBranch(world, "aside", { "a.txt": "1\n" });
    const other = await pushBranch(world, "other", { "a.txt": "2\n" });
    const update = { ...repo, ref: "heads/aside", sha: other };
    expect(await refusal(octokit.git.updateRef(update))).toMatchObject({
      status: 422,
      message: "Update is not a fast forward",
    });
    expect(await tip(world, "aside")).toBe(first);
    await octokit.git.updateRef({ ...update, force: true });
    expect(await tip(world, "aside")).toBe(other);
  });

  it("lets exactly one of twenty concurrent updates win", async () => {
    const { octokit, repo, seedCommit } = world;
    await octokit.git.createRef({ ...repo, ref: "refs/heads/race", sha: seedCommit });
    const commits: string[] = [];
    for (let index = 0; index < 20; index += 1) {
      commits.push(
        await pushBranch(world, "scratch", { "r.txt": `${index}` }, { from: seedCommit }),
      );
    }
    const results = await Promise.allSettled(
      commits.map((sha) => octokit.git.updateRef({ ...repo, ref: "heads/race", sha })),
    );
    const winners = results.flatMap((each, index) =>
      each.status === "fulfilled" ? [commits[index]] : [],
    );
    expect(winners).toHaveLength(1);
    expect(await tip(world, "race")).toBe(winners[0]);
  });

  it("lets exactly one of twenty concurrent creations win", async () => {
    const { octokit, repo, seedCommit } = world;
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        octokit.git.createRef({ ...repo, ref: "refs/heads/created", sha: seedCommit }),
      ),
    );
    expect(results.filter((each) => each.status === "fulfilled")).toHaveLength(1);
  });
});

describe("a protected branch", () => {
  it("moves only forward to a commit whose required statuses are green", async () => {
    await using world = await forgeWorld({ protection: { requiredStatuses: ["jarvis/sandbox"] } });
    const { octokit, repo } = world;
    const sha = await pushBranch(world, "change", { "a.txt": "1\n" });
    const update = { ...repo, ref: "heads/main", sha };
    expect(await refusal(octokit.git.updateRef(update))).toMatchObject({
      status: 422,
      message: 'Required status check "jarvis/sandbox" is expected.',
      body: { documentation_url: "https://docs.github.com/articles/about-protected-branches" },
    });
    await report(world, sha, "pending");
    expect((await refusal(octokit.git.updateRef(update))).message).toContain("is pending");
    await report(world, sha, "success", "something/else");
    expect((await refusal(octokit.git.updateRef(update))).message).toContain("is pending");
    await report(world, sha, "success");
    await octokit.git.updateRef(update);
    expect(await tip(world, "main")).toBe(sha);

    const aside = await pushBranch(world, "aside", { "a.txt": "2\n" }, { from: world.seedCommit });
    await report(world, aside, "success");
    const forced = { ...repo, ref: "heads/main", sha: aside, force: true };
    expect(await refusal(octokit.git.updateRef(forced))).toMatchObject({
      status: 422,
      message: "Cannot force-push to this branch",
    });
  });

  it("that wants the status of an app takes it from that app alone", async () => {
    await using world = await forgeWorld();
    const { octokit, operator, repo } = world;
    const branch = { ...repo, branch: "main" };
    const checks = [{ context: "ci", app_id: 1 }];
    const required_status_checks = { strict: true, contexts: [], checks };
    await operator.repos.updateBranchProtection({
      ...branch,
      ...rules([]),
      required_status_checks,
    });
    const { data } = await octokit.repos.getBranchProtection(branch);
    expect(data.required_status_checks).toMatchObject({ contexts: ["ci"], checks });
    const sha = await pushBranch(world, "change", { "a.txt": "1\n" });
    const update = { ...repo, ref: "heads/main", sha };
    await operator.repos.createCommitStatus({ ...repo, sha, state: "success", context: "ci" });
    expect((await refusal(octokit.git.updateRef(update))).status).toBe(422);
    await report(world, sha, "success", "ci");
    expect((await octokit.git.updateRef(update)).status).toBe(200);
  });

  it("is not deleted, and is once nobody protects it", async () => {
    await using world = await forgeWorld();
    const { octokit, operator, repo } = world;
    await pushBranch(world, "release", { "a.txt": "1\n" });
    const branch = { ...repo, branch: "release" };
    await operator.repos.updateBranchProtection({ ...branch, ...rules(["ci"]) });
    const deletion = { ...repo, ref: "heads/release" };
    expect(await refusal(octokit.git.deleteRef(deletion))).toMatchObject({
      status: 422,
      message: "Cannot delete this branch",
    });
    await operator.repos.deleteBranchProtection(branch);
    expect((await octokit.git.deleteRef(deletion)).status).toBe(204);
  });
});

function rules(contexts: string[]) {
  return {
    required_status_checks: { strict: true, contexts },
    enforce_admins: true,
    required_pull_request_reviews: null,
    restrictions: null,
  };
}

describe("a ref outside of branches and tags", () => {
  it("can be made once, listed, read and removed, as notes are", async () => {
    await using world = await forgeWorld();
    const { octokit, repo, seedCommit } = world;
    const ref = "refs/notes/mine/1";
    await octokit.git.createRef({ ...repo, ref, sha: seedCommit });
    const again = refusal(octokit.git.createRef({ ...repo, ref, sha: seedCommit }));
    expect(await again).toMatchObject({ status: 422, message: "Reference already exists" });
    const { data } = await octokit.git.listMatchingRefs({ ...repo, ref: "notes/mine/" });
    expect(data.map((each) => [each.ref, each.object.sha])).toEqual([[ref, seedCommit]]);
    expect((await octokit.git.getRef({ ...repo, ref: "notes/mine/1" })).data.ref).toBe(ref);
    await octokit.git.deleteRef({ ...repo, ref: "notes/mine/1" });
    const hidden = await octokit.git.listMatchingRefs({ ...repo, ref: "forge/" });
    expect(hidden.data).toEqual([]);
  });
});
