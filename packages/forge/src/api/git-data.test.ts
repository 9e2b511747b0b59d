import { execFileSync } from "node:child_process";

import { afterAll, beforeAll, expect, it } from "vitest";

import { forgeWorld, git, refusal, tip, type ForgeWorld } from "../testing/forge-world.ts";

let world: ForgeWorld;
beforeAll(async () => {
  world = await forgeWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

it("names blobs as git does, from text and from base64", async () => {
  const { octokit, repo } = world;
  for (const content of ["", "hello\n", "ü\u0000\r\n"]) {
    const text = await octokit.git.createBlob({ ...repo, content });
    const base64 = Buffer.from(content).toString("base64");
    const encoded = await octokit.git.createBlob({ ...repo, content: base64, encoding: "base64" });
    expect(text.data.sha).toBe(hashObject("blob", content));
    expect(encoded.data.sha).toBe(text.data.sha);
    const read = await octokit.git.getBlob({ ...repo, file_sha: text.data.sha });
    expect(Buffer.from(read.data.content, "base64").toString()).toBe(content);
    expect(read.data.size).toBe(Buffer.byteLength(content));
  }
  const call = octokit.git.createBlob({ ...repo, content: "!!", encoding: "base64" });
  expect((await refusal(call)).status).toBe(422);
});

it("writes trees as git does: added, replaced, removed, nested, every mode", async () => {
  const { octokit, repo, seedCommit, seed } = world;
  const made = await octokit.git.createTree({
    ...repo,
    base_tree: seedCommit,
    tree: [
      { path: "src/deep/er/b.sh", mode: "100755", type: "blob", content: "#!/bin/sh\n" },
      { path: "src/a.ts", mode: "100644", type: "blob", sha: null },
      { path: "README.md", mode: "100644", type: "blob", content: "# New\n" },
      { path: "link", mode: "120000", type: "blob", content: "README.md" },
      { path: "src.txt", mode: "100644", type: "blob", content: "sorts between" },
      { path: "module", mode: "160000", type: "commit", sha: seedCommit },
    ],
  });
  await git(seed, "fetch", "--quiet", world.bare, seedCommit);
  const listing = await git(world.bare, "ls-tree", "-r", made.data.sha);
  const again = execFileSync("git", ["update-index", "--add", "--index-info"], {
    cwd: world.bare,
    input: `${listing}\n`,
    env: { PATH: process.env["PATH"] ?? "", GIT_INDEX_FILE: "test-index", GIT_DIR: world.bare },
  });
  expect(again.length).toBe(0);
  const rewritten = execFileSync("git", ["write-tree", "--missing-ok"], {
    cwd: world.bare,
    env: { PATH: process.env["PATH"] ?? "", GIT_INDEX_FILE: "test-index", GIT_DIR: world.bare },
  });
  expect(made.data.sha).toBe(rewritten.toString().trim());

  const recursive = await octokit.git.getTree({ ...repo, tree_sha: made.data.sha, recursive: "1" });
  expect(recursive.data.tree.map(({ path, mode, type }) => [path, mode, type])).toEqual([
    ["README.md", "100644", "blob"],
    ["link", "120000", "blob"],
    ["module", "160000", "commit"],
    ["src.txt", "100644", "blob"],
    ["src", "040000", "tree"],
    ["src/deep", "040000", "tree"],
    ["src/deep/er", "040000", "tree"],
    ["src/deep/er/b.sh", "100755", "blob"],
  ]);
  const flat = await octokit.git.getTree({ ...repo, tree_sha: "main" });
  expect(flat.data.tree.map(({ path }) => path)).toEqual(["README.md", "src"]);
});

it("refuses paths that no checkout may have", async () => {
  const { octokit, repo } = world;
  for (const path of ["../x", "/x", "a//b", ".git/config", "a/.GIT/hooks", "a/git~1/x", "."]) {
    const call = octokit.git.createTree({
      ...repo,
      tree: [{ path, mode: "100644", type: "blob", content: "x" }],
    });
    expect(await refusal(call)).toMatchObject({ status: 422 });
  }
});

it("refuses trees of things that are not there", async () => {
  const { octokit, repo, seedCommit } = world;
  const entry = { path: "x", mode: "100644", type: "blob" } as const;
  const calls = [
    () => octokit.git.createTree({ ...repo, tree: [{ ...entry, sha: "1".repeat(40) }] }),
    () => octokit.git.createTree({ ...repo, tree: [{ ...entry, sha: seedCommit }] }),
    () =>
      octokit.git.createTree({
        ...repo,
        tree: [{ ...entry, mode: "100664" as "100644", content: "" }],
      }),
    () =>
      octokit.git.createTree({
        ...repo,
        base_tree: "1".repeat(40),
        tree: [{ ...entry, content: "" }],
      }),
  ];
  for (const call of calls) expect((await refusal(call())).status).toBe(422);
});

it.each([
  ["no line break at the end", "Subject"],
  ["a line break at the end", "Subject\n"],
  ["a body, trailers and two line breaks", "Subject\n\nBody\n\nJarvis-Run: 1\nX-Y: z\n\n"],
  ["carriage returns and other letters", "Sübject\r\n\r\n🙂"],
])("writes commits byte for byte: %s", async (_, message) => {
  const { octokit, repo, seedCommit } = world;
  const tree = (await octokit.git.getCommit({ ...repo, commit_sha: seedCommit })).data.tree.sha;
  const { data } = await octokit.git.createCommit({
    ...repo,
    message,
    tree,
    parents: [seedCommit],
    author: { name: "Ada L", email: "ada@example.com", date: "2024-05-01T10:00:00+02:00" },
    committer: { name: "Bot", email: "bot@example.com", date: "2024-05-01T08:00:01Z" },
  });
  const content = [
    `tree ${tree}`,
    `parent ${seedCommit}`,
    "author Ada L <ada@example.com> 1714550400 +0200",
    "committer Bot <bot@example.com> 1714550401 +0000",
    "",
    message,
  ].join("\n");
  expect(data.sha).toBe(hashObject("commit", content));
  const read = await octokit.git.getCommit({ ...repo, commit_sha: data.sha });
  expect(read.data).toMatchObject({ message, author: { date: "2024-05-01T08:00:00Z" } });
  expect(read.data).toEqual(data);
});

it("fills in who and when", async () => {
  const { octokit, repo, seedCommit } = world;
  const { data: parent } = await octokit.git.getCommit({ ...repo, commit_sha: seedCommit });
  const before = Math.floor(Date.now() / 1000) * 1000;
  const { data } = await octokit.git.createCommit({
    ...repo,
    message: "m",
    tree: parent.tree.sha,
    author: { name: "Ada", email: "ada@example.com", date: "2020-01-01T00:00:00Z" },
    committer: { name: "Eve", email: "eve@example.com" },
  });
  expect(data.parents).toEqual([]);
  expect(data.author.date).toBe("2020-01-01T00:00:00Z");
  expect(Date.parse(data.committer.date)).toBeGreaterThanOrEqual(before);
  const own = await octokit.git.createCommit({ ...repo, message: "m", tree: parent.tree.sha });
  expect(own.data.author.name).toBe("jarvis[bot]");
  expect(own.data.committer).toEqual(own.data.author);
});

it("refuses commits that git could not store or that point nowhere", async () => {
  const { octokit, repo, seedCommit } = world;
  const { data } = await octokit.git.getCommit({ ...repo, commit_sha: seedCommit });
  const good = { ...repo, message: "m", tree: data.tree.sha };
  const calls = [
    () => octokit.git.createCommit({ ...good, tree: seedCommit }),
    () => octokit.git.createCommit({ ...good, parents: [data.tree.sha] }),
    () => octokit.git.createCommit({ ...good, author: { name: "a\nb", email: "x" } }),
    () => octokit.git.createCommit({ ...good, author: { name: "a<b", email: "x" } }),
    () => octokit.git.createCommit({ ...good, author: { name: "a", email: "x", date: "never" } }),
    () => octokit.git.createCommit({ ...good, message: "a\u0000b" }),
  ];
  for (const call of calls) expect((await refusal(call())).status).toBe(422);
});

it("leaves a repository that git finds sound", async () => {
  expect(await tip(world, "main")).toBe(world.seedCommit);
  expect(await git(world.bare, "fsck", "--strict", "--no-dangling")).toBe("");
});

function hashObject(type: string, content: string): string {
  return execFileSync("git", ["hash-object", "-t", type, "--stdin"], { input: content })
    .toString()
    .trim();
}
