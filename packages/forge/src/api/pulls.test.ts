import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  forgeWorld,
  git,
  openPull,
  pushBranch,
  refusal,
  tip,
  type ForgeWorld,
} from "../testing/forge-world.ts";

describe("a pull request", () => {
  let world: ForgeWorld;
  beforeAll(async () => {
    world = await forgeWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it("is opened, read, edited, closed and opened again", async () => {
    const { octokit, repo } = world;
    const head = await pushBranch(world, "one", { "one.txt": "1\n" });
    const { status, data } = await octokit.pulls.create({
      ...repo,
      title: "One",
      head: "local:one",
      base: "main",
      body: "Why",
    });
    expect(status).toBe(201);
    expect(data).toMatchObject({
      state: "open",
      merged: false,
      mergeable: null,
      mergeable_state: "unknown",
      head: { ref: "one", sha: head, label: "local:one" },
      base: { ref: "main", sha: world.seedCommit },
      user: { login: "jarvis[bot]" },
      commits: 1,
      changed_files: 1,
      additions: 1,
    });
    expect(await git(world.bare, "rev-parse", `refs/pull/${data.number}/head`)).toBe(head);
    const pull = { ...repo, pull_number: data.number };
    await expect
      .poll(async () => (await octokit.pulls.get(pull)).data.mergeable_state)
      .toBe("clean");
    expect((await octokit.pulls.get(pull)).data.mergeable).toBe(true);

    const edited = await octokit.pulls.update({ ...pull, title: "Two", body: "Because" });
    expect(edited.data).toMatchObject({ title: "Two", body: "Because" });
    const closed = await octokit.pulls.update({ ...pull, state: "closed" });
    expect(closed.data.closed_at).not.toBeNull();
    expect((await refusal(octokit.pulls.merge(pull))).status).toBe(405);
    const reopened = await octokit.pulls.update({ ...pull, state: "open" });
    expect(reopened.data).toMatchObject({ state: "open", closed_at: null });
  });

  it("is refused twice, without commits, without branches and without a title", async () => {
    const { octokit, operator, repo, seedCommit } = world;
    await pushBranch(world, "twice", { "twice.txt": "1\n" });
    await openPull(world, "twice");
    await octokit.git.createRef({ ...repo, ref: "refs/heads/empty", sha: seedCommit });
    const create = (head: string, base = "main", title = "t") =>
      operator.pulls.create({ ...repo, title, head, base });
    expect((await refusal(create("twice"))).body).toMatchObject({
      message: "Validation Failed",
      status: "422",
      errors: [
        {
          resource: "PullRequest",
          code: "custom",
          message: "A pull request already exists for local:twice.",
        },
      ],
    });
    expect((await refusal(create("empty"))).body["errors"]).toMatchObject([
      { message: "No commits between main and empty" },
    ]);
    expect((await refusal(create("none"))).body["errors"]).toMatchObject([
      { resource: "PullRequest", field: "head", code: "invalid" },
    ]);
    expect((await refusal(create("twice", "none"))).body["errors"]).toMatchObject([
      { field: "base", code: "invalid" },
    ]);
    expect((await refusal(create("other:twice"))).status).toBe(422);
    expect((await refusal(create("twice", "main", " "))).body["errors"]).toMatchObject([
      { field: "title", code: "missing_field" },
    ]);
  });

  it("lists its own files and commits, also when the base has gone on", async () => {
    const { octokit, repo } = world;
    const head = await pushBranch(world, "files", {
      "new.txt": "1\n",
      "src/a.ts": null,
      "README.md": "# Jarvis\nmore\n",
    });
    const { number } = await openPull(world, "files");
    const gone = await pushBranch(world, "elsewhere", { "elsewhere.txt": "e\n" });
    await octokit.git.updateRef({ ...repo, ref: "heads/main", sha: gone });
    const pull = { ...repo, pull_number: number };
    const files = await octokit.pulls.listFiles(pull);
    expect(files.data.map(({ filename, status }) => [filename, status])).toEqual([
      ["README.md", "modified"],
      ["new.txt", "added"],
      ["src/a.ts", "removed"],
    ]);
    expect(files.data[0]?.patch).toBe("@@ -1 +1,2 @@\n # Jarvis\n+more");
    const commits = await octokit.pulls.listCommits(pull);
    expect(commits.data.map(({ sha }) => sha)).toEqual([head]);
    const diff = await octokit.pulls.get({ ...pull, mediaType: { format: "diff" } });
    expect(textOf(diff.data)).toContain("diff --git a/new.txt b/new.txt");
    expect(textOf(diff.data)).not.toContain("elsewhere");
    const patch = await octokit.pulls.get({ ...pull, mediaType: { format: "patch" } });
    expect(textOf(patch.data)).toMatch(/^From [0-9a-f]{40} /u);
    const page = await octokit.pulls.listFiles({ ...pull, per_page: 2, page: 2 });
    expect(page.data.map(({ filename }) => filename)).toEqual(["src/a.ts"]);
  });

  it("shows renames as such", async () => {
    const { octokit, repo } = world;
    await pushBranch(world, "rename", { "src/a.ts": null, "src/b.ts": "export const a = 1;\n" });
    const { number } = await openPull(world, "rename");
    const { data } = await octokit.pulls.listFiles({ ...repo, pull_number: number });
    expect(data).toMatchObject([
      { filename: "src/b.ts", previous_filename: "src/a.ts", status: "renamed", changes: 0 },
    ]);
  });

  it("follows its head, and is closed when its branch goes away", async () => {
    const { octokit, repo } = world;
    const first = await pushBranch(world, "moving", { "m.txt": "1\n" });
    const { number } = await openPull(world, "moving");
    const second = await pushBranch(world, "moving", { "m.txt": "2\n" }, { from: first });
    const pull = { ...repo, pull_number: number };
    expect((await octokit.pulls.get(pull)).data.head.sha).toBe(second);
    await octokit.git.deleteRef({ ...repo, ref: "heads/moving" });
    expect((await octokit.pulls.get(pull)).data).toMatchObject({ state: "closed", merged: false });
    expect(await git(world.bare, "rev-parse", `refs/pull/${number}/head`)).toBe(second);
    expect((await refusal(octokit.pulls.update({ ...pull, state: "open" }))).status).toBe(422);
  });

  it("is merged without the merge endpoint once its base contains its head", async () => {
    const { octokit, repo } = world;
    const head = await pushBranch(world, "forward", { "f.txt": "1\n" });
    const { number } = await openPull(world, "forward");
    const pull = { ...repo, pull_number: number };
    expect((await refusal(octokit.pulls.checkIfMerged(pull))).status).toBe(404);
    await octokit.git.updateRef({ ...repo, ref: "heads/main", sha: head });
    expect((await octokit.pulls.get(pull)).data).toMatchObject({
      state: "closed",
      merged: true,
      merge_commit_sha: head,
      merged_by: { login: "jarvis[bot]" },
      commits: 1,
      changed_files: 1,
    });
    expect((await octokit.pulls.checkIfMerged(pull)).status).toBe(204);
    expect((await refusal(octokit.pulls.merge(pull))).status).toBe(405);
  });

  it("is closed and not merged when its head is reset onto its base", async () => {
    const { octokit, repo } = world;
    await pushBranch(world, "reset", { "reset.txt": "1\n" });
    const { number } = await openPull(world, "reset");
    await octokit.git.updateRef({
      ...repo,
      ref: "heads/reset",
      sha: await tip(world, "main"),
      force: true,
    });
    const { data } = await octokit.pulls.get({ ...repo, pull_number: number });
    expect(data).toMatchObject({ state: "closed", merged: false });
  });

  it("can be pointed at another base", async () => {
    const { octokit, repo, seedCommit } = world;
    await octokit.git.createRef({ ...repo, ref: "refs/heads/release", sha: seedCommit });
    await pushBranch(world, "retarget", { "t.txt": "1\n" });
    const { number } = await openPull(world, "retarget");
    const pull = { ...repo, pull_number: number };
    const { data } = await octokit.pulls.update({ ...pull, base: "release" });
    expect(data.base).toMatchObject({ ref: "release", sha: seedCommit });
    expect((await refusal(octokit.pulls.update({ ...pull, base: "none" }))).status).toBe(422);
  });

  it("is not there under another number", async () => {
    const { octokit, repo } = world;
    expect((await refusal(octokit.pulls.get({ ...repo, pull_number: 999 }))).status).toBe(404);
  });

  it("takes comments", async () => {
    const { octokit, operator, repo } = world;
    await pushBranch(world, "talk", { "talk.txt": "1\n" });
    const { number } = await openPull(world, "talk");
    const issue = { ...repo, issue_number: number };
    await octokit.issues.createComment({ ...issue, body: "first" });
    await operator.issues.createComment({ ...issue, body: "second" });
    const { data } = await octokit.issues.listComments(issue);
    expect(data.map(({ body, user }) => [body, user?.login])).toEqual([
      ["first", "jarvis[bot]"],
      ["second", "operator"],
    ]);
    expect((await octokit.pulls.get({ ...repo, pull_number: number })).data.comments).toBe(2);
    expect((await refusal(octokit.issues.createComment({ ...issue, body: "" }))).status).toBe(422);
    const none = octokit.issues.createComment({ ...issue, issue_number: 999, body: "x" });
    expect((await refusal(none)).status).toBe(404);
  });
});

it("lists pull requests by state, head and base, sorted and in pages", async () => {
  await using world = await forgeWorld();
  const { octokit, repo } = world;
  for (const name of ["a", "b", "c"]) {
    await pushBranch(world, name, { [`${name}.txt`]: name });
    await openPull(world, name);
  }
  await octokit.pulls.update({ ...repo, pull_number: 2, state: "closed" });
  await octokit.pulls.update({ ...repo, pull_number: 1, title: "later" });
  const numbers = async (parameters: Record<string, unknown>) =>
    (await octokit.pulls.list({ ...repo, ...parameters })).data.map(({ number }) => number);
  expect(await numbers({})).toEqual([3, 1]);
  expect(await numbers({ state: "all" })).toEqual([3, 2, 1]);
  expect(await numbers({ state: "closed" })).toEqual([2]);
  expect(await numbers({ direction: "asc" })).toEqual([1, 3]);
  expect(await numbers({ sort: "updated", direction: "desc" })).toEqual([1, 3]);
  expect(await numbers({ head: "local:a" })).toEqual([1]);
  expect(await numbers({ head: "other:a" })).toEqual([]);
  expect(await numbers({ base: "none" })).toEqual([]);
  expect(await numbers({ state: "all", per_page: 2, page: 2 })).toEqual([1]);
  const paged = await octokit.paginate(octokit.pulls.list, { ...repo, state: "all", per_page: 1 });
  expect(paged).toHaveLength(3);
});

/** Octokit types every media type as JSON. */
function textOf(data: unknown): string {
  return typeof data === "string" ? data : JSON.stringify(data);
}
