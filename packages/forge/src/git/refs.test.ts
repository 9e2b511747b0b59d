import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGit, type Git } from "./git.ts";
import { ObjectStore } from "./objects.ts";
import { RefStore } from "./refs.ts";

let directory: string;
let git: Git;
let refs: RefStore;
let first: string;
let second: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-refs-"));
  execFileSync("git", ["init", "--quiet", "--bare", directory]);
  git = createGit({ gitDirectory: directory });
  refs = new RefStore(git);
  const objects = new ObjectStore(git);
  first = await objects.write("blob", "first");
  second = await objects.write("blob", "second");
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("a ref", () => {
  it("is where it was moved last, packed or not", async () => {
    const ref = "refs/forge/a";
    await refs.update([{ ref, old: undefined, new: first }]);
    expect(await refs.get(ref)).toBe(first);
    await git.run(["pack-refs", "--all", "--prune"]);
    expect(await refs.get(ref)).toBe(first);
    await refs.update([{ ref, old: first, new: second }]);
    expect(await refs.get(ref)).toBe(second);
    await refs.update([{ ref, old: second, new: undefined }]);
    expect(await refs.get(ref)).toBeUndefined();
  });

  it("is not there where only refs below its name are", async () => {
    await refs.update([{ ref: "refs/forge/below/b", old: undefined, new: first }]);
    expect(await refs.get("refs/forge/below")).toBeUndefined();
  });

  it("is no other file that holds a name of an object", async () => {
    writeFileSync(join(directory, "note"), `${first}\n`);
    expect(await refs.get("refs/../note")).toBeUndefined();
    expect(await refs.get("note")).toBeUndefined();
  });
});

describe("a list of refs", () => {
  it("says what git says, packed, loose, moved since, deleted, and of other programs", async () => {
    const names = ["refs/forge/list/a", "refs/forge/list/b/c", "refs/tags/list"];
    await refs.update(names.map((ref) => ({ ref, old: undefined, new: first })));
    expect(await refs.list("refs/forge/list", "refs/tags/list")).toEqual(await listedByGit(names));
    await git.run(["pack-refs", "--all", "--prune"]);
    await git.run(["update-ref", "refs/forge/list/a", second]);
    await git.run(["update-ref", "refs/forge/list/d", second]);
    await git.run(["update-ref", "-d", "refs/tags/list"]);
    const listed = await refs.list("refs/forge/list", "refs/tags/list");
    expect([...listed]).toEqual([
      ["refs/forge/list/a", second],
      ["refs/forge/list/b/c", first],
      ["refs/forge/list/d", second],
    ]);
    expect([...(await refs.list())]).toEqual([...(await listedByGit([]))]);
  });

  it("takes no name for the beginning of another, and no lock for a ref", async () => {
    await refs.update([{ ref: "refs/forge/begin", old: undefined, new: first }]);
    await refs.update([{ ref: "refs/forge/beginning", old: undefined, new: first }]);
    writeFileSync(join(directory, "refs/forge/begin.lock"), "");
    expect([...(await refs.list("refs/forge/begin")).keys()]).toEqual(["refs/forge/begin"]);
    rmSync(join(directory, "refs/forge/begin.lock"));
  });

  it("leaves to git what is no plain ref", async () => {
    await refs.update([{ ref: "refs/remotes/o/main", old: undefined, new: second }]);
    await git.run(["symbolic-ref", "refs/remotes/o/HEAD", "refs/remotes/o/main"]);
    expect(await refs.get("refs/remotes/o/HEAD")).toBe(second);
    expect((await refs.list("refs/remotes")).get("refs/remotes/o/HEAD")).toBe(second);
  });

  async function listedByGit(names: readonly string[]): Promise<Map<string, string>> {
    const output = await git.text(["for-each-ref", "--format=%(refname) %(objectname)", ...names]);
    return new Map(output.split("\n").map((line) => line.split(" ") as [string, string]));
  }
});

describe("a blob", () => {
  it("is what git would have written", async () => {
    const objects = new ObjectStore(git);
    for (const data of ["", "text\n", Buffer.from([0, 255, 10, 0]), Buffer.alloc(200_000, 7)]) {
      const sha = await objects.write("blob", data);
      expect(await git.text(["hash-object", "--stdin"], { input: data })).toBe(sha);
      const { stdout } = await git.run(["cat-file", "blob", sha]);
      expect(stdout.equals(Buffer.from(data))).toBe(true);
      // Written twice it is the same file.
      expect(await objects.write("blob", data)).toBe(sha);
    }
    await git.run(["fsck", "--strict", "--no-dangling"]);
  });
});
