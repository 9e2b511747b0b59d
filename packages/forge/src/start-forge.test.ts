import { chmod, chown, readFile, stat, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";

import { afterEach, describe, expect, it } from "vitest";

import { startForge, type Forge, type ForgeOptions } from "./start-forge.ts";
import {
  commitAll,
  forgeWorld,
  git,
  makeSeed,
  octokitFor,
  openPull,
  pushBranch,
  report,
  temporaryDirectory,
  withToken,
  write,
} from "./testing/forge-world.ts";

const running: Forge[] = [];
const directories: string[] = [];
afterEach(async () => {
  for (const forge of running.splice(0)) await forge.close();
  for (const directory of directories.splice(0))
    await rm(directory, { recursive: true, force: true });
});

describe("the directory", () => {
  it("is for its owner alone, and so are the tokens", async () => {
    await using world = await forgeWorld();
    expect((await stat(world.directory)).mode & 0o777).toBe(0o700);
    for (const file of [
      world.forge.tokenFile,
      world.forge.operatorTokenFile,
      world.forge.requestLog,
    ]) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
    expect((await readFile(world.forge.tokenFile, "utf8")).trim()).toBe(world.forge.token);
    expect(world.forge.token).not.toBe(world.forge.operatorToken);
  });

  it("belongs to one forge at a time", async () => {
    await using world = await forgeWorld();
    const second = startForge({ directory: world.directory, owner: "local", repository: "jarvis" });
    await expect(second).rejects.toMatchObject({
      code: "directory-in-use",
      message: expect.stringContaining(`process ${process.pid}`) as string,
    });
  });

  it("is taken over from a forge that died", async () => {
    const { directory, forge } = await start();
    await forge.close();
    await writeFile(join(directory, "lock"), "999999999 123");
    const successor = await startIn({ directory });
    expect(await readFile(join(directory, "lock"), "utf8")).toContain(`${process.pid} `);
    await forge.close();
    // Closing the first one again does not give free what is the second one's.
    expect((await stat(join(directory, "lock"))).isFile()).toBe(true);
    await successor.close();
  });
});

describe("a restart", () => {
  it("keeps everything: pull requests, statuses, protection, comments, tokens and URLs", async () => {
    await using world = await forgeWorld({ protection: { requiredStatuses: ["ci"] } });
    const { octokit, repo } = world;
    const sha = await pushBranch(world, "a", { "a.txt": "a\n" });
    const before = await openPull(world, "a");
    await report(world, sha, "success", "ci");
    await octokit.issues.createComment({ ...repo, issue_number: 1, body: "kept" });
    const { token, apiUrl } = world.forge;
    await world.restart();
    expect(world.forge).toMatchObject({ token, apiUrl });
    const after = await world.octokit.pulls.get({ ...repo, pull_number: 1 });
    expect(after.data).toMatchObject({
      id: before.id,
      title: before.title,
      comments: 1,
      mergeable: null,
    });
    const status = await world.octokit.repos.getCombinedStatusForRef({ ...repo, ref: sha });
    expect(status.data.state).toBe("success");
    const protection = await world.octokit.repos.getBranchProtection({ ...repo, branch: "main" });
    expect(protection.data.required_status_checks?.contexts).toEqual(["ci"]);
    await world.octokit.pulls.merge({ ...repo, pull_number: 1 });
  });

  it("serves a copy of the repository as the whole forge", async () => {
    await using world = await forgeWorld();
    await pushBranch(world, "a", { "a.txt": "a\n" });
    await openPull(world, "a", "Copied");
    const copy = await temporary();
    const { cp } = await import("node:fs/promises");
    await cp(world.bare, join(copy, "repository.git"), { recursive: true });
    const forge = await startIn({ directory: copy });
    const octokit = octokitFor(forge, forge.token);
    const { data } = await octokit.pulls.list(world.repo);
    expect(data.map(({ title }) => title)).toEqual(["Copied"]);
  });

  it("heals what was moved without it, and the locks of a killed git", async () => {
    await using world = await forgeWorld();
    const head = await pushBranch(world, "a", { "a.txt": "a\n" });
    await openPull(world, "a");
    await world.forge.close();
    await git(world.bare, "update-ref", "refs/heads/main", head);
    await writeFile(join(world.bare, "refs/heads/main.lock"), "");
    world.forge = await startForge({
      directory: world.directory,
      owner: "local",
      repository: "jarvis",
    });
    world.octokit = octokitFor(world.forge, world.forge.token);
    const { data } = await world.octokit.pulls.get({ ...world.repo, pull_number: 1 });
    expect(data).toMatchObject({ merged: true, merge_commit_sha: head, merged_by: null });
    await pushBranch(world, "b", { "b.txt": "b\n" });
    await world.octokit.git.updateRef({
      ...world.repo,
      ref: "heads/main",
      sha: await git(world.bare, "rev-parse", "b"),
    });
  });

  it("sees at the next read what moved beside it", async () => {
    await using world = await forgeWorld();
    const head = await pushBranch(world, "a", { "a.txt": "a\n" });
    await openPull(world, "a");
    await git(world.bare, "update-ref", "refs/heads/main", head);
    const { data } = await world.octokit.pulls.list({ ...world.repo, state: "closed" });
    expect(data).toMatchObject([{ number: 1, merge_commit_sha: head }]);
  });

  it.each([
    ["did not land", false],
    ["landed", true],
  ])("settles an announced merge that %s", async (_, landed) => {
    await using world = await forgeWorld();
    const head = await pushBranch(world, "a", { "a.txt": "a\n" });
    await openPull(world, "a");
    const tree = await git(world.bare, "rev-parse", `${head}^{tree}`);
    const squashed = await git(world.bare, "commit-tree", tree, "-p", world.seedCommit, "-m", "s");
    const document = JSON.parse(
      await git(world.bare, "cat-file", "blob", "refs/forge/pulls/1"),
    ) as object;
    const landing = {
      from: world.seedCommit,
      to: squashed,
      by: "operator",
      at: "2026-01-01T00:00:00.000Z",
    };
    const file = join(world.directory, "document");
    await writeFile(file, JSON.stringify({ ...document, landing }));
    const blob = await git(world.bare, "hash-object", "-w", file);
    await git(world.bare, "update-ref", "refs/forge/pulls/1", blob);
    if (landed) await git(world.bare, "update-ref", "refs/heads/main", squashed);
    await world.restart();
    const { data } = await world.octokit.pulls.get({ ...world.repo, pull_number: 1 });
    expect(data).toMatchObject(
      landed
        ? { merged: true, merge_commit_sha: squashed, merged_by: { login: "operator" } }
        : { merged: false, state: "open", merge_commit_sha: null },
    );
  });
});

describe("the port", () => {
  it("is the preferred one, the next when that is busy, and the same again later", async () => {
    const busy = createServer();
    busy.listen(0, "127.0.0.1");
    await once(busy, "listening");
    const address = busy.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { directory, forge } = await start({ port });
    expect(forge.port).not.toBe(port);
    await forge.close();
    busy.close();
    await once(busy, "close");
    expect((await startIn({ directory, port })).port).toBe(forge.port);
  });
});

describe("the seed", () => {
  it("is copied with its history, is not written to, and is needed once", async () => {
    const root = await temporary();
    const seed = join(root, "seed");
    const commit = await makeSeed(seed);
    await git(seed, "branch", "unrelated");
    const before = await git(seed, "count-objects", "-v");
    const { directory, forge } = await start({
      seed: { gitDirectory: join(seed, ".git"), commit },
    });
    const bare = join(directory, "repository.git");
    expect(await git(bare, "log", "--format=%H %s", "main")).toContain(`${commit} Add a file`);
    expect(await git(bare, "for-each-ref", "--format=%(refname)", "refs/heads")).toBe(
      "refs/heads/main",
    );
    expect(await git(bare, "fsck", "--strict")).toBe("");
    expect(await git(seed, "count-objects", "-v")).toBe(before);
    await forge.close();
    await rm(seed, { recursive: true });
    await startIn({ directory, seed: { gitDirectory: join(seed, ".git"), commit } });
  });

  it("may be shallow: one parentless commit of the same tree that names it", async () => {
    const root = await temporary();
    const commit = await makeSeed(join(root, "seed"));
    const shallow = join(root, "shallow");
    await git(root, "clone", "--quiet", "--depth=1", `file://${join(root, "seed")}`, shallow);
    const { directory } = await start({ seed: { gitDirectory: join(shallow, ".git"), commit } });
    const bare = join(directory, "repository.git");
    expect(await git(bare, "rev-list", "--count", "main")).toBe("1");
    expect(await git(bare, "rev-parse", "main^{tree}")).toBe(
      await git(shallow, "rev-parse", "HEAD^{tree}"),
    );
    expect(await git(bare, "log", "-1", "--format=%B", "main")).toContain(`Seeded-From: ${commit}`);
    expect(await git(bare, "fsck", "--strict")).toBe("");
  });

  it.runIf(process.getuid?.() === 0)("may belong to another user", async () => {
    const root = await temporary();
    const seed = join(root, "seed");
    const commit = await makeSeed(seed);
    await chmod(root, 0o755);
    await chown(seed, 12_345, 12_345);
    await chown(join(seed, ".git"), 12_345, 12_345);
    const { forge } = await start({ seed: { gitDirectory: join(seed, ".git"), commit } });
    const remote = withToken(forge, forge.token);
    expect(await git(root, "ls-remote", remote, "refs/heads/main")).toContain(commit);
  });

  it.each([
    [
      "no repository",
      { gitDirectory: "/nonexistent", commit: "a".repeat(40) },
      "no git repository",
    ],
    ["no full id", { gitDirectory: "/nonexistent", commit: "HEAD" }, "a full commit id is needed"],
  ])("is refused when it is %s, and the directory is free again", async (_, seed, message) => {
    const directory = await temporary();
    const options = { directory, owner: "local", repository: "jarvis" };
    await expect(startForge({ ...options, seed })).rejects.toMatchObject({
      code: "seed-unusable",
      message: expect.stringContaining(message) as string,
    });
    await startIn({ directory });
  });

  it("is refused when something of its history is missing", async () => {
    const root = await temporary();
    const seed = join(root, "seed");
    await makeSeed(seed);
    await write(seed, { "lost.txt": "lost\n" });
    const commit = await commitAll(seed, "Lose a file");
    const blob = await git(seed, "rev-parse", "HEAD:lost.txt");
    await rm(join(seed, ".git/objects", blob.slice(0, 2), blob.slice(2)), { force: true });
    const begun = start({ seed: { gitDirectory: join(seed, ".git"), commit } });
    await expect(begun).rejects.toMatchObject({ code: "seed-unusable" });
  });
});

async function temporary(): Promise<string> {
  const directory = await temporaryDirectory();
  directories.push(directory);
  return directory;
}

async function start(
  options: Partial<ForgeOptions> = {},
): Promise<{ directory: string; forge: Forge }> {
  const directory = join(await temporary(), "forge");
  return { directory, forge: await startIn({ ...options, directory }) };
}

/** Closed after the test; closing twice does no harm. */
async function startIn(options: Partial<ForgeOptions> & { directory: string }): Promise<Forge> {
  const forge = await startForge({ owner: "local", repository: "jarvis", ...options });
  running.push(forge);
  return forge;
}
