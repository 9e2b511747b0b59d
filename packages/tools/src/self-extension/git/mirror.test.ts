import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRepository, mirrorOf, type TestRepository } from "../../testing/git-repository.ts";
import {
  fetchBranch,
  hasCommit,
  isAncestor,
  keepCommit,
  listTree,
  openMirror,
  readBlobs,
  readFileOfTree,
  treeOf,
  writeCommit,
} from "./mirror.ts";
import { gitEnvironment, runGit } from "./run-git.ts";

let repository: TestRepository;
let world: Awaited<ReturnType<typeof mirrorOf>>;

beforeAll(async () => {
  repository = makeRepository({ "a.txt": "a\n", "src/b.txt": "b\n", "[x]*.txt": "odd\n" });
  world = await mirrorOf(repository);
});

afterAll(() => {
  world.remove();
  repository.remove();
});

describe("a mirror", () => {
  it("follows a branch, also when it was rewritten", async () => {
    const source = { url: repository.gitDirectory, authorization: null };
    repository.write({ "a.txt": "changed\n" });
    const second = repository.commit("Second");
    expect(await fetchBranch(world.mirror, source, "main")).toBe(second);
    repository.git("reset", "-q", "--hard", "HEAD~1");
    expect(await fetchBranch(world.mirror, source, "main")).toBe(world.sha);
    expect(await isAncestor(world.mirror, world.sha, second)).toBe(true);
    expect(await isAncestor(world.mirror, second, world.sha)).toBe(false);
    expect(await hasCommit(world.mirror, "f".repeat(40))).toBe(false);
  });

  it("can be fetched into by many runs at once", async () => {
    const directory = mkdtempSync(join(tmpdir(), "jarvis-mirror-"));
    const mirror = await openMirror(join(directory, "m.git"));
    const source = { url: repository.gitDirectory, authorization: null };
    const shas = await Promise.all(
      Array.from({ length: 6 }, async () => await fetchBranch(mirror, source, "main")),
    );
    expect(new Set(shas)).toEqual(new Set([world.sha]));
    await expect(
      fetchBranch(mirror, { url: join(directory, "nothing"), authorization: null }, "main"),
    ).rejects.toMatchObject({ code: "git-failed" });
    // A fetch that failed does not stand in the way of the next.
    expect(await fetchBranch(mirror, source, "main")).toBe(world.sha);
    rmSync(directory, { recursive: true });
  });

  it("goes on after a git that was killed while it held a ref, or was making the mirror", async () => {
    const directory = mkdtempSync(join(tmpdir(), "jarvis-mirror-"));
    const gitDir = join(directory, "m.git");
    mkdirSync(gitDir);
    writeFileSync(join(gitDir, "HEAD"), "ref: refs/heads/main\n");
    const mirror = await openMirror(gitDir);
    const locks = ["remote/main", "kept/run-1"].map((ref) =>
      join(gitDir, `refs/jarvis/${ref}.lock`),
    );
    const lock = (): void => {
      for (const path of locks) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, "");
      }
    };
    const [old, young] = ["tmp_pack_old", "tmp_pack_young"].map((name) =>
      join(gitDir, "objects/pack", name),
    ) as [string, string];
    for (const path of [old, young]) writeFileSync(path, "half a pack");
    utimesSync(old, 0, 0);
    lock();
    const source = { url: repository.gitDirectory, authorization: null };
    expect(await fetchBranch(mirror, source, "main")).toBe(world.sha);
    await keepCommit(mirror, "run-1", world.sha);
    expect(existsSync(old)).toBe(false);
    expect(existsSync(young)).toBe(true);
    rmSync(directory, { recursive: true });
  });

  it("waits for a git that is just writing a ref", async () => {
    const lock = join(world.mirror.gitDir, "refs/jarvis/kept/busy.lock");
    await keepCommit(world.mirror, "first", world.sha);
    writeFileSync(lock, "");
    const kept = keepCommit(world.mirror, "busy", world.sha);
    await sleep(300);
    // Nobody took it away.
    expect(existsSync(lock)).toBe(true);
    rmSync(lock);
    await kept;
  });

  it("reads files by their literal names", async () => {
    expect((await listTree(world.mirror, world.tree)).map(({ path }) => path)).toEqual([
      "[x]*.txt",
      "a.txt",
      "src/b.txt",
    ]);
    const odd = await readFileOfTree(world.mirror, world.tree, "[x]*.txt");
    expect(odd?.toString()).toBe("odd\n");
    expect(await readFileOfTree(world.mirror, world.tree, "*.txt")).toBeNull();
    expect(await readFileOfTree(world.mirror, world.tree, "src")).toBeNull();
  });

  it("lists a tree again that was not there when it was asked for first", async () => {
    const later = makeRepository({ "later.txt": "later\n" });
    const tree = later.git("rev-parse", "HEAD^{tree}").trim();
    for (const _ of [1, 2]) {
      await expect(listTree(world.mirror, tree)).rejects.toMatchObject({ code: "git-failed" });
    }
    const source = { url: later.gitDirectory, authorization: null };
    await fetchBranch(world.mirror, source, "main");
    for (const _ of [1, 2]) {
      expect((await listTree(world.mirror, tree)).map(({ path }) => path)).toEqual(["later.txt"]);
    }
    // A name that is no id may mean another tree each time.
    expect(await listTree(world.mirror, "refs/jarvis/remote/main")).toHaveLength(1);
    await fetchBranch(world.mirror, { ...source, url: repository.gitDirectory }, "main");
    expect(await listTree(world.mirror, "refs/jarvis/remote/main")).toHaveLength(3);
    later.remove();
  });

  it("throws on an object that is missing or no blob", async () => {
    await expect(readBlobs(world.mirror, ["f".repeat(40)])).rejects.toThrow("missing");
    await expect(readBlobs(world.mirror, [world.tree])).rejects.toThrow("expected a blob");
  });

  it("makes the same commit from the same facts, and another from another date", async () => {
    const facts = {
      tree: world.tree,
      parents: [world.sha],
      identity: { name: "Jarvis", email: "jarvis@localhost" },
      date: new Date("2026-01-02T03:04:05.678Z"),
      message: "A message\n\nwith a body, no newline at the end",
    };
    const sha = await writeCommit(world.mirror, facts);
    expect(await writeCommit(world.mirror, facts)).toBe(sha);
    const later = new Date("2026-01-02T03:04:06Z");
    expect(await writeCommit(world.mirror, { ...facts, date: later })).not.toBe(sha);
    expect(await treeOf(world.mirror, sha)).toBe(world.tree);
  });
});

describe("git runs with nothing of the machine's", () => {
  it("sees no configuration, hook or credential of the user", async () => {
    const { stdout } = await runGit(["config", "--list", "--show-origin"], world.mirror);
    const origins = stdout.toString().split("\n").filter(Boolean);
    expect(origins.every((line) => /^(command line:|file:.*mirror\.git\/config)/.test(line))).toBe(
      true,
    );
    expect(Object.keys(gitEnvironment())).not.toContain("GITHUB_TOKEN");
  });

  it("runs no hook of the mirror", async () => {
    const marker = join(world.mirror.gitDir, "hook-ran");
    const hook = join(world.mirror.gitDir, "hooks", "reference-transaction");
    writeFileSync(hook, `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
    await runGit(["update-ref", "refs/jarvis/test", world.sha], world.mirror);
    expect(existsSync(marker)).toBe(false);
  });

  it("ends a call that hangs with everything it started", async () => {
    await expect(
      runGit(["-c", "alias.hang=!sleep 60", "hang"], { ...world.mirror, timeoutMs: 200 }),
    ).rejects.toMatchObject({ code: "git-failed" });
  });
});
