import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createGit, type Git } from "./git.ts";
import { ObjectStore } from "./objects.ts";
import { RefStore } from "./refs.ts";

let directory: string;
let git: Git;
let refs: RefStore;
let objects: ObjectStore;
let first: string;
let second: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-lasting-"));
  execFileSync("git", ["init", "--quiet", "--bare", directory]);
  git = createGit({ gitDirectory: directory });
  refs = new RefStore(git);
  objects = new ObjectStore(git);
  first = await objects.write("blob", "first");
  second = await objects.write("blob", "second");
});

afterEach(async () => {
  await git.end();
  rmSync(directory, { recursive: true, force: true });
});

describe("a git that stays", () => {
  it("moves refs one after the other, and sees what others moved meanwhile", async () => {
    const ref = "refs/forge/a";
    await refs.update([{ ref, old: undefined, new: first }]);
    const [pid] = gitsHere();
    await git.run(["update-ref", ref, second]);
    await git.run(["pack-refs", "--all", "--prune"]);
    await refs.update([{ ref, old: second, new: first }]);
    expect(await refs.get(ref)).toBe(first);
    expect(gitsHere()).toEqual([pid]);
  });

  it("refuses as one that is started for it does, moves nothing then, and is replaced", async () => {
    const [a, b] = ["refs/forge/a", "refs/forge/b"];
    await refs.update([{ ref: a, old: undefined, new: first }]);
    const stale = refs.update([
      { ref: b, old: undefined, new: first },
      { ref: a, old: second, new: undefined },
    ]);
    await expect(stale).rejects.toMatchObject({ code: "ref-conflict" });
    expect([...(await refs.list())]).toEqual([[a, first]]);
    await refs.update([{ ref: a, old: first, new: second }]);
    expect(await refs.get(a)).toBe(second);
    const absent = refs.update([{ ref: b, old: undefined, new: "1".repeat(40) }]);
    await expect(absent).rejects.toMatchObject({ code: "ref-conflict" });
  });

  it("answers each of many who ask at once with what they asked", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `file-${index}`);
    const trees = names.map((name) => treeOf(name));
    const made = await Promise.all(trees.map((tree) => objects.write("tree", tree)));
    const expected = trees.map((input) =>
      execFileSync("git", ["hash-object", "-t", "tree", "--stdin"], { input }).toString().trim(),
    );
    expect(made).toEqual(expected);
    expect(readdirSync(join(directory, "objects")).filter((name) => name.length > 4)).toEqual([]);
  });

  it("writes no object that does not parse, and then one that does", async () => {
    const broken = objects.write("commit", "tree of nothing\n");
    await expect(broken).rejects.toMatchObject({ code: "git-failed" });
    const tree = await objects.write("tree", treeOf("a"));
    expect(await git.text(["cat-file", "-t", tree])).toBe("tree");
  });

  it("is missed by nobody when it was killed between two questions", async () => {
    await refs.update([{ ref: "refs/forge/a", old: undefined, new: first }]);
    for (const pid of gitsHere()) process.kill(pid, "SIGKILL");
    while (gitsHere().length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    // Its end is heard of in a turn of the loop of its own.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await refs.update([{ ref: "refs/forge/a", old: first, new: second }]);
    expect(await refs.get("refs/forge/a")).toBe(second);
  });

  it("ends when it is told to", async () => {
    await refs.update([{ ref: "refs/forge/a", old: undefined, new: first }]);
    expect(gitsHere()).toHaveLength(1);
    await git.end();
    expect(gitsHere()).toEqual([]);
  });

  function treeOf(name: string): Buffer {
    return Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(first, "hex")]);
  }

  /** Those of this process that stay with this repository. */
  function gitsHere(): number[] {
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0 && environmentOf(pid).includes(`GIT_DIR=${directory}`));
  }

  function environmentOf(pid: number): string[] {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    } catch {
      return [];
    }
  }
});
