import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../../testing/git-repository.ts";
import { applyPatch } from "../git/apply-patch.ts";
import { fetchBranch, openMirror, treeOf, type Mirror } from "../git/mirror.ts";
import { runGit } from "../git/run-git.ts";
import { ScratchTree } from "./scratch-tree.ts";

let repository: TestRepository;
let mirror: Mirror;
let base: string;
let commit: string;
let scratch: ScratchTree;
const directory = mkdtempSync(join(tmpdir(), "jarvis-scratch-"));

beforeAll(async () => {
  repository = makeRepository({
    "src/a.ts": "export const a = 1;\nexport const b = 1;\n",
    "src/deep/c.ts": "$& and $1\n",
    "bin/run": "#!/bin/sh\n",
  });
  repository.git("update-index", "--chmod=+x", "bin/run");
  const link = repository.git("hash-object", "-w", "src/a.ts").trim();
  repository.git("update-index", "--add", "--cacheinfo", `120000,${link},link`);
  repository.git("commit", "-q", "-m", "base");
  mirror = await openMirror(join(directory, "mirror.git"));
  commit = await fetchBranch(mirror, { url: repository.gitDirectory, authorization: null }, "main");
  base = await treeOf(mirror, commit);
});

beforeEach(async () => {
  scratch = await ScratchTree.open(mirror, base);
});

afterAll(() => {
  repository.remove();
  rmSync(directory, { recursive: true });
});

describe("a scratch tree", () => {
  it("is read, searched, changed, and handed on as a patch that makes the same tree", async () => {
    expect(scratch.list("")).toEqual(expect.arrayContaining(["bin/", "link", "src/"]));
    expect(scratch.list("src")).toEqual(["a.ts", "deep/"]);
    await scratch.edit("src/a.ts", "a = 1", "a = $&2");
    scratch.write("src/new/d.ts", "export const d = 4;\n");
    await scratch.edit("bin/run", "sh", "bash");
    scratch.delete("src/deep/c.ts");
    expect(await scratch.read("src/a.ts")).toContain("a = $&2");
    expect(scratch.paths()).not.toContain("src/deep/c.ts");
    expect(await scratch.search("const d", "src", 10)).toEqual([
      { path: "src/new/d.ts", line: 1, text: "export const d = 4;" },
    ]);
    expect(await scratch.search("nowhere", "", 10)).toEqual([]);
    const applied = await applyPatch(mirror, commit, Buffer.from(await scratch.patch()));
    expect(applied).toEqual({ applied: true, tree: await scratch.tree() });
    const { stdout } = await runGit(["ls-tree", await scratch.tree(), "bin/run"], mirror);
    expect(stdout.toString()).toMatch(/^100755/);
  });

  it("that nothing was changed in is its base, and has no patch", async () => {
    scratch.write("x", "x\n");
    scratch.delete("x");
    expect([await scratch.tree(), await scratch.patch()]).toEqual([base, ""]);
  });

  it("takes over what another tree has changed, and nothing else", async () => {
    scratch.write("src/new.ts", "new\n");
    scratch.delete("src/a.ts");
    const tree = await scratch.tree();
    const next = await ScratchTree.open(mirror, base);
    await next.takeOver(tree, base);
    expect(await next.tree()).toBe(tree);
  });
});

describe("a path that", () => {
  it.each([
    ["leaves the repository", "../outside"],
    ["leaves it in the middle", "src/../../outside"],
    ["is absolute", "/etc/passwd"],
    ["is in a git directory", ".git/config"],
    ["is in one that other file systems know", "src/.GIT/hooks/x"],
    ["is where hooks are kept", ".husky/pre-commit"],
    ["declares submodules", ".gitmodules"],
    ["is a directory", "src"],
    ["lies in a file", "src/a.ts/b"],
    ["lies behind a link", "link/b"],
    ["is a link", "link"],
    ["holds control characters", "src/a\n.ts"],
    ["holds NUL", "src/a\0.ts"],
    ["is empty", ""],
    ["names no file", "src/"],
  ])("%s is not written", (_what, path) => {
    expect(() => scratch.write(path, "text")).toThrow(
      expect.objectContaining({ code: "scratch-refused" }),
    );
    expect(scratch.paths()).toHaveLength(4);
  });

  it.each(["../outside", "/etc/passwd", "link", "src", "no/such"])(
    "%s is not read",
    async (path) => {
      await expect(scratch.read(path)).rejects.toMatchObject({ code: "scratch-refused" });
    },
  );
});

it("refuses what staging would refuse, an edit without one place, and what is too large", async () => {
  const refusal = { code: "scratch-refused" };
  expect(() => scratch.write("a.ts", "\u202e")).toThrow(expect.objectContaining(refusal));
  expect(() => scratch.write("a.ts", "x".repeat(600_000))).toThrow(
    expect.objectContaining(refusal),
  );
  expect(() => scratch.delete("no/such")).toThrow(expect.objectContaining(refusal));
  await expect(scratch.edit("src/a.ts", " = 1", "2")).rejects.toThrow("stands 2 times");
  await expect(scratch.edit("src/a.ts", "nowhere", "2")).rejects.toThrow("does not stand");
  for (let index = 0; index < 200; index += 1) scratch.write(`many/${index}`, "x\n");
  expect(() => scratch.write("many/200", "x\n")).toThrow("200 files");
  scratch.write("many/0", "y\n");
});
