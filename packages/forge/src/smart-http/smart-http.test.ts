import { once } from "node:events";
import { request, type ClientRequest } from "node:http";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import {
  commitAll,
  forgeWorld,
  git,
  gitRefusal,
  openPull,
  pushBranch,
  report,
  requestLines,
  tip,
  withToken,
  write,
  type ForgeWorld,
} from "../testing/forge-world.ts";
import { parsePushCommands } from "./push-commands.ts";

describe("stock git", () => {
  it("clones, fetches and pushes with the token", async () => {
    await using world = await forgeWorld();
    const clone = await cloneOf(world);
    expect(await git(clone, "rev-parse", "HEAD")).toBe(world.seedCommit);
    expect(await git(clone, "log", "--format=%s")).toBe("Add a file\nBegin");

    await git(clone, "checkout", "--quiet", "-b", "mine");
    await write(clone, { "mine.txt": "mine\n", "big.bin": "x".repeat(3_000_000) });
    const mine = await commitAll(clone, "Mine");
    await git(clone, "push", "--quiet", "origin", "mine");
    expect(await tip(world, "mine")).toBe(mine);

    const theirs = await pushBranch(world, "theirs", { "theirs.txt": "t\n" });
    await git(clone, "fetch", "--quiet", "origin");
    expect(await git(clone, "rev-parse", "origin/theirs")).toBe(theirs);
    const { number } = await openPull(world, "theirs");
    await git(clone, "fetch", "--quiet", "origin", `refs/pull/${number}/head`);
    expect(await git(clone, "rev-parse", "FETCH_HEAD")).toBe(theirs);
    await git(clone, "fetch", "--quiet", "origin", mine);

    await git(clone, "push", "--quiet", "origin", "--delete", "mine");
    expect(await git(world.bare, "for-each-ref", "refs/heads/mine")).toBe("");
    expect(await git(world.bare, "fsck", "--strict", "--no-dangling")).toBe("");
    const pushes = (await requestLines(world)).filter(({ path }) =>
      String(path).endsWith("/git-receive-pack"),
    );
    // The first of a large push is git asking whether it may.
    expect(pushes.length).toBeGreaterThanOrEqual(2);
    expect(
      pushes.every(({ mutation, actor }) => mutation === true && actor === "jarvis[bot]"),
    ).toBe(true);
  });

  it("works with a header instead of a password, and not without either", async () => {
    await using world = await forgeWorld();
    const { cloneUrl, token } = world.forge;
    const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
    const header = `http.extraHeader=Authorization: Basic ${basic}`;
    expect(await git(world.seed, "-c", header, "ls-remote", cloneUrl, "refs/heads/main")).toContain(
      world.seedCommit,
    );
    expect(await gitRefusal(world.seed, "ls-remote", cloneUrl)).toContain(
      "could not read Username",
    );
    const wrong = withToken(world.forge, "wrong");
    expect(await gitRefusal(world.seed, "ls-remote", wrong)).toContain("Authentication failed");
    expect(await gitRefusal(world.seed, "push", wrong, "HEAD:refs/heads/x")).toContain(
      "Authentication failed",
    );
    expect(await git(world.bare, "for-each-ref", "refs/heads/x")).toBe("");
  });

  it("neither sees nor writes what the forge keeps for itself", async () => {
    await using world = await forgeWorld();
    await pushBranch(world, "a", { "a.txt": "a\n" });
    await openPull(world, "a");
    const remote = withToken(world.forge, world.forge.token);
    expect(await git(world.seed, "ls-remote", remote)).not.toContain("refs/forge");
    for (const ref of ["refs/forge/meta", "refs/forge/statuses/x", "refs/pull/1/head"]) {
      expect(await gitRefusal(world.seed, "push", "--force", remote, `HEAD:${ref}`)).toContain(
        "deny updating a hidden ref",
      );
    }
    expect(await gitRefusal(world.seed, "fetch", remote, "refs/forge/meta")).toContain(
      "couldn't find remote ref",
    );
  });

  it("cannot push objects that git itself finds unsound", async () => {
    await using world = await forgeWorld();
    const remote = withToken(world.forge, world.forge.token);
    const blob = await git(world.seed, "rev-parse", "HEAD:README.md");
    const { execFileSync } = await import("node:child_process");
    const tree = execFileSync(
      "git",
      ["hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
      {
        cwd: world.seed,
        input: Buffer.concat([Buffer.from("100644 .git\0"), Buffer.from(blob, "hex")]),
      },
    );
    const commit = await git(world.seed, "commit-tree", tree.toString().trim(), "-m", "evil");
    expect(await gitRefusal(world.seed, "push", remote, `${commit}:refs/heads/evil`)).toContain(
      "hasDotgit",
    );
  });
});

describe("a push to a protected branch", () => {
  it("is refused until the commit is there and green, and never forced or deleted", async () => {
    await using world = await forgeWorld({ protection: { requiredStatuses: ["jarvis/sandbox"] } });
    const clone = await cloneOf(world);
    await write(clone, { "mine.txt": "mine\n" });
    const mine = await commitAll(clone, "Mine");
    const refused = await gitRefusal(clone, "push", "origin", "HEAD:main", "HEAD:other");
    expect(refused).toContain("GH006: Protected branch update failed for refs/heads/main.");
    expect(refused).toContain('Required status check "jarvis/sandbox" is expected.');
    expect(await tip(world, "main")).toBe(world.seedCommit);
    expect(await git(world.bare, "for-each-ref", "refs/heads/other")).toBe("");

    await git(clone, "push", "--quiet", "origin", "HEAD:mine");
    await report(world, mine, "failure");
    expect(await gitRefusal(clone, "push", "origin", "HEAD:main")).toContain("is failing");
    await report(world, mine, "success");
    await git(clone, "push", "--quiet", "origin", "HEAD:main");
    expect(await tip(world, "main")).toBe(mine);

    await git(clone, "checkout", "--quiet", "-b", "aside", "HEAD~1");
    await write(clone, { "aside.txt": "a\n" });
    const aside = await commitAll(clone, "Aside");
    await git(clone, "push", "--quiet", "origin", "HEAD:aside");
    await report(world, aside, "success");
    expect(await gitRefusal(clone, "push", "--force", "origin", "HEAD:main")).toContain(
      "Cannot force-push to this branch",
    );
    expect(await gitRefusal(clone, "push", "origin", "--delete", "main")).toContain(
      "Cannot delete this branch",
    );
    expect(await tip(world, "main")).toBe(mine);
  });

  it("without required statuses goes forward, and not aside with commits that come along", async () => {
    await using world = await forgeWorld();
    await world.operator.repos.updateBranchProtection({
      ...world.repo,
      branch: "main",
      required_status_checks: null,
      enforce_admins: true,
      required_pull_request_reviews: null,
      restrictions: null,
    });
    const clone = await cloneOf(world);
    await write(clone, { "mine.txt": "mine\n" });
    await commitAll(clone, "Mine");
    await git(clone, "push", "--quiet", "origin", "HEAD:main");
    await git(clone, "reset", "--quiet", "--hard", "HEAD~1");
    await write(clone, { "other.txt": "other\n" });
    await commitAll(clone, "Other");
    expect(await gitRefusal(clone, "push", "--force", "origin", "HEAD:main")).toContain(
      "non-fast-forward",
    );
  });

  it("marks the pull request merged", async () => {
    await using world = await forgeWorld();
    const clone = await cloneOf(world);
    await write(clone, { "mine.txt": "mine\n" });
    const mine = await commitAll(clone, "Mine");
    await git(clone, "push", "--quiet", "origin", "HEAD:mine");
    const { number } = await openPull(world, "mine");
    await git(clone, "push", "--quiet", "origin", "HEAD:main");
    const { data } = await world.octokit.pulls.get({ ...world.repo, pull_number: number });
    expect(data).toMatchObject({ state: "closed", merged: true, merge_commit_sha: mine });
  });

  it("marks it merged too when one push moves its head and its base", async () => {
    await using world = await forgeWorld();
    const clone = await cloneOf(world);
    await write(clone, { "mine.txt": "mine\n" });
    await commitAll(clone, "Mine");
    await git(clone, "push", "--quiet", "origin", "HEAD:mine");
    const { number } = await openPull(world, "mine");
    await write(clone, { "mine.txt": "more\n" });
    const more = await commitAll(clone, "More");
    await git(clone, "push", "--quiet", "origin", "HEAD:mine", "HEAD:main");
    const { data } = await world.octokit.pulls.get({ ...world.repo, pull_number: number });
    expect(data).toMatchObject({ merged: true, merge_commit_sha: more, head: { sha: more } });
  });

  it("starts the default branch of an empty repository", async () => {
    await using world = await forgeWorld({
      seed: undefined,
      protection: { requiredStatuses: ["jarvis/sandbox"] },
    });
    const remote = withToken(world.forge, world.forge.token);
    await git(world.seed, "push", "--quiet", remote, "HEAD:main");
    expect(await tip(world, "main")).toBe(world.seedCommit);
    await git(world.seed, "commit", "--quiet", "--allow-empty", "-m", "Next");
    expect(await gitRefusal(world.seed, "push", remote, "HEAD:main")).toContain("is expected");
  });
});

describe("a push with much to say", () => {
  it("is told to move fewer refs at once, and moves them in two parts", async () => {
    await using world = await forgeWorld();
    const clone = await cloneOf(world);
    const names = Array.from({ length: 900 }, (_, index) => `many-${"x".repeat(50)}-${index}`);
    const specs = names.map((name) => `HEAD:refs/heads/${name}`);
    expect(await gitRefusal(clone, "push", "origin", ...specs)).toContain("413");
    await git(clone, "push", "--quiet", "origin", ...specs.slice(0, 450));
    await git(clone, "push", "--quiet", "origin", ...specs.slice(450));
    expect((await git(world.bare, "for-each-ref", "refs/heads/many-*")).split("\n")).toHaveLength(
      900,
    );
  });

  it("is told why it is refused, however long that is", async () => {
    const requiredStatuses = Array.from(
      { length: 40 },
      (_, index) => `${index}${"x".repeat(4000)}`,
    );
    await using world = await forgeWorld({ protection: { requiredStatuses } });
    const clone = await cloneOf(world);
    await write(clone, { "mine.txt": "mine\n" });
    await commitAll(clone, "Mine");
    expect(await gitRefusal(clone, "push", "origin", "HEAD:main")).toContain("GH006");
    expect(await tip(world, "main")).toBe(world.seedCommit);
  });
});

describe("a push that is not sent to its end", () => {
  const begun = `${packet(`${"0".repeat(40)} ${"a".repeat(40)} refs/heads/x\0report-status`)}0000`;

  it("is ended when nothing more comes, and keeps nobody else from a change", async () => {
    await using world = await forgeWorld({ stalledPushMs: 100 });
    const stalled = beginPush(world, begun);
    await closed(stalled);
    await world.octokit.git.createRef({
      ...world.repo,
      ref: "refs/heads/after",
      sha: world.seedCommit,
    });
    expect(await git(world.bare, "for-each-ref", "refs/heads/x")).toBe("");
  });

  it("and whose client went away while it waited for its turn, keeps nobody either", async () => {
    await using world = await forgeWorld();
    const first = beginPush(world, begun);
    await once(first, "response");
    const second = beginPush(world, begun);
    // Answered by the same process, so what was sent before has arrived.
    await world.octokit.git.getRef({ ...world.repo, ref: "heads/main" });
    second.destroy();
    await closed(second);
    first.destroy();
    await world.octokit.git.createRef({
      ...world.repo,
      ref: "refs/heads/after",
      sha: world.seedCommit,
    });
    expect(await tip(world, "after")).toBe(world.seedCommit);
  });
});

describe("what a push says it moves", () => {
  const a = "a".repeat(40);
  const zero = "0".repeat(40);

  it("is read from its first bytes, however they are cut", () => {
    const text =
      packet(`${zero} ${a} refs/heads/x\0report-status`) + packet(`${a} ${zero} refs/y\n`);
    const bytes = Buffer.from(`${text}0000PACK....`);
    expect(parsePushCommands(bytes)).toEqual([
      { ref: "refs/heads/x", old: undefined, new: a },
      { ref: "refs/y", old: a, new: undefined },
    ]);
    expect(parsePushCommands(bytes.subarray(0, 60))).toBeUndefined();
    expect(parsePushCommands(bytes.subarray(0, 2))).toBeUndefined();
    expect(parsePushCommands(Buffer.from("0000"))).toEqual([]);
  });

  it.each([
    ["a signed push", packet("push-cert\0caps")],
    ["a short id", packet("abc def refs/heads/x")],
    ["a ref with a space", packet(`${a} ${a} refs/heads/x y`)],
    ["no packet", "zzzz"],
    ["a delimiter", "0001"],
  ])("is refused when it is %s", (_, text) => {
    expect(() => parsePushCommands(Buffer.from(text))).toThrow("a form this forge does not take");
  });
});

async function cloneOf(world: ForgeWorld): Promise<string> {
  const clone = join(world.directory, "..", "clone");
  await git(world.seed, "clone", "--quiet", withToken(world.forge, world.forge.token), clone);
  return clone;
}

function packet(line: string): string {
  return `${(Buffer.byteLength(line) + 4).toString(16).padStart(4, "0")}${line}`;
}

/** A push that has begun and is not at its end. */
function beginPush(world: ForgeWorld, text: string): ClientRequest {
  const push = request(`${world.forge.cloneUrl}/git-receive-pack`, {
    method: "POST",
    auth: `x-access-token:${world.forge.token}`,
    headers: { "Content-Type": "application/x-git-receive-pack-request" },
  });
  // That it is broken is what it is for.
  push.on("error", () => undefined);
  push.write(text);
  return push;
}

function closed(push: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    push.once("close", resolve);
  });
}
