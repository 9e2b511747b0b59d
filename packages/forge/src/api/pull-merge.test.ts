import { expect, it } from "vitest";

import {
  forgeWorld,
  git,
  openPull,
  pushBranch,
  refusal,
  report,
  tip,
  type ForgeWorld,
} from "../testing/forge-world.ts";

it("keeps both of two pull requests that do not touch each other", async () => {
  await using world = await forgeWorld();
  const { octokit, repo } = world;
  const a = await pushBranch(world, "a", { "a.txt": "a\n" });
  await pushBranch(world, "b", { "b.txt": "b\n" });
  await openPull(world, "a");
  await openPull(world, "b");
  // Without a body at all, as some clients send it.
  const url = `${world.forge.apiUrl}/repos/local/jarvis/pulls/1/merge`;
  const bare = await fetch(url, { method: "PUT", headers: bearer(world) });
  expect(bare.status).toBe(200);
  await octokit.pulls.merge({ ...repo, pull_number: 2, sha: await tip(world, "b") });
  expect(await git(world.bare, "ls-tree", "--name-only", "main")).toBe(
    "README.md\na.txt\nb.txt\nsrc",
  );
  const merged = (await octokit.pulls.get({ ...repo, pull_number: 1 })).data;
  expect(merged).toMatchObject({ merged: true, state: "closed" });
  const commit = await octokit.git.getCommit({
    ...repo,
    commit_sha: merged.merge_commit_sha ?? "",
  });
  expect(commit.data.parents.map(({ sha }) => sha)).toEqual([world.seedCommit, a]);
  expect(commit.data.message).toBe("Merge pull request #1 from local/a\n\nMerge a");
  expect(await git(world.bare, "fsck", "--strict", "--no-dangling")).toBe("");
});

it("knows a conflict, and does not merge it", async () => {
  await using world = await forgeWorld();
  const { octokit, repo } = world;
  await pushBranch(world, "a", { "README.md": "a\n" });
  await pushBranch(world, "b", { "README.md": "b\n" });
  await openPull(world, "a");
  await openPull(world, "b");
  await octokit.pulls.merge({ ...repo, pull_number: 1 });
  const before = await tip(world, "main");
  const pull = { ...repo, pull_number: 2 };
  expect((await octokit.pulls.get(pull)).data).toMatchObject({
    mergeable: null,
    mergeable_state: "unknown",
  });
  await expect.poll(async () => (await octokit.pulls.get(pull)).data.mergeable).toBe(false);
  expect((await octokit.pulls.get(pull)).data.mergeable_state).toBe("dirty");
  for (const merge_method of ["merge", "squash", "rebase"] as const) {
    expect(await refusal(octokit.pulls.merge({ ...pull, merge_method }))).toMatchObject({
      status: 405,
      message: "Pull Request is not mergeable",
    });
  }
  expect(await tip(world, "main")).toBe(before);
});

it("does not merge a head that moved on, and does not merge twice", async () => {
  await using world = await forgeWorld();
  const { octokit, repo } = world;
  const old = await pushBranch(world, "a", { "a.txt": "1\n" });
  await openPull(world, "a");
  const head = await pushBranch(world, "a", { "a.txt": "2\n" }, { from: old });
  const pull = { ...repo, pull_number: 1 };
  expect(await refusal(octokit.pulls.merge({ ...pull, sha: old }))).toMatchObject({
    status: 409,
    message: "Head branch was modified. Review and try the merge again.",
  });
  expect(await tip(world, "main")).toBe(world.seedCommit);
  await octokit.pulls.merge({ ...pull, sha: head });
  expect(await refusal(octokit.pulls.merge({ ...pull, sha: head }))).toMatchObject({
    status: 405,
    message: "Pull Request is not mergeable",
  });
});

it("squashes", async () => {
  await using world = await forgeWorld();
  const { octokit, repo } = world;
  const first = await pushBranch(world, "a", { "a.txt": "1\n" }, { message: "One\n\nbody" });
  await pushBranch(world, "a", { "b.txt": "2\n" }, { from: first, message: "Two" });
  await openPull(world, "a", "Both");
  const { data } = await octokit.pulls.merge({ ...repo, pull_number: 1, merge_method: "squash" });
  const commit = await octokit.git.getCommit({ ...repo, commit_sha: data.sha });
  expect(commit.data.parents.map(({ sha }) => sha)).toEqual([world.seedCommit]);
  expect(commit.data.message).toBe("Both (#1)\n\n* One\n\n* Two");
  expect(await tip(world, "main")).toBe(data.sha);
  expect((await octokit.pulls.get({ ...repo, pull_number: 1 })).data.merge_commit_sha).toBe(
    data.sha,
  );
});

it("rebases: authors and messages stay, the committer is new", async () => {
  await using world = await forgeWorld();
  const { octokit, repo } = world;
  const first = await pushBranch(world, "a", { "a.txt": "1\n" }, { message: "One" });
  await pushBranch(world, "a", { "a.txt": "2\n" }, { from: first, message: "Two" });
  const moved = await pushBranch(world, "b", { "b.txt": "b\n" });
  await octokit.git.updateRef({ ...repo, ref: "heads/main", sha: moved });
  await openPull(world, "a");
  const { data } = await octokit.pulls.merge({ ...repo, pull_number: 1, merge_method: "rebase" });
  expect(await git(world.bare, "log", "--format=%s %an", "-3", "main")).toBe(
    "Two jarvis[bot]\nOne jarvis[bot]\nChange b.txt jarvis[bot]",
  );
  expect(await git(world.bare, "show", "main:a.txt")).toBe("2");
  expect(await git(world.bare, "show", "main:b.txt")).toBe("b");
  expect(await tip(world, "main")).toBe(data.sha);
  expect(await git(world.bare, "fsck", "--strict", "--no-dangling")).toBe("");
});

it("merges into a protected base only what is green, and up to date where that is strict", async () => {
  await using world = await forgeWorld({ protection: { requiredStatuses: ["jarvis/sandbox"] } });
  const { octokit, repo } = world;
  const a = await pushBranch(world, "a", { "a.txt": "a\n" });
  const b = await pushBranch(world, "b", { "b.txt": "b\n" });
  await openPull(world, "a");
  await openPull(world, "b");
  const pull = { ...repo, pull_number: 1 };
  await expect
    .poll(async () => (await octokit.pulls.get(pull)).data.mergeable_state)
    .toBe("blocked");
  expect(await refusal(octokit.pulls.merge(pull))).toMatchObject({
    status: 405,
    message: 'Required status check "jarvis/sandbox" is expected.',
  });
  await report(world, a, "failure");
  expect((await refusal(octokit.pulls.merge(pull))).message).toContain("is failing");
  await report(world, a, "success");
  await report(world, b, "success");
  await octokit.pulls.merge({ ...pull, sha: a });

  const second = { ...repo, pull_number: 2 };
  await expect
    .poll(async () => (await octokit.pulls.get(second)).data.mergeable_state)
    .toBe("behind");
  expect(await refusal(octokit.pulls.merge(second))).toMatchObject({
    status: 405,
    message: "Head branch is not up to date with the base branch",
  });
});

it("does not merge a draft", async () => {
  await using world = await forgeWorld();
  const { octokit, repo } = world;
  await pushBranch(world, "a", { "a.txt": "a\n" });
  await octokit.pulls.create({ ...repo, title: "t", head: "a", base: "main", draft: true });
  expect(await refusal(octokit.pulls.merge({ ...repo, pull_number: 1 }))).toMatchObject({
    status: 405,
    message: "Pull Request is still a draft",
  });
});

function bearer(world: ForgeWorld): Record<string, string> {
  return { authorization: `Bearer ${world.forge.token}` };
}
