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
