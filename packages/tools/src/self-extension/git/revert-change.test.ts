import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../../testing/git-repository.ts";
import { applyPatch } from "./apply-patch.ts";
import {
  diffTrees,
  fetchBranch,
  openMirror,
  readFileOfTree,
  treeOf,
  type Mirror,
} from "./mirror.ts";
import { planRevert, restoredPaths } from "./revert-change.ts";

let scratch: string;
let repository: TestRepository;
let mirror: Mirror;
const sha: Record<string, string> = {};

const commit = (name: string, files: Record<string, string | null>): void => {
  repository.write(files);
  sha[name] = repository.commit(name);
};
const tree = async (name: string): Promise<string> => await treeOf(mirror, sha[name] ?? "");

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "jarvis-revert-"));
  repository = makeRepository({
    "kept.txt": "1\n",
    "edited.txt": "before\n",
    "removed.txt": "was here\n",
  });
  sha["before"] = repository.git("rev-parse", "HEAD").trim();
  commit("after", { "edited.txt": "after\n", "added/new.txt": "new\n", "removed.txt": null });
  commit("unrelated", { "kept.txt": "2\n" });
  commit("overlapping", { "edited.txt": "even later\n" });
  repository.git("reset", "-q", "--hard", sha["unrelated"] ?? "");
  commit("in-the-way", { "removed.txt/inside.txt": "a directory now\n" });
  repository.git("reset", "-q", "--hard", sha["unrelated"] ?? "");
  commit("half-taken-back", { "edited.txt": "before\n" });
  repository.git("branch", "all", sha["overlapping"] ?? "");
  mirror = await openMirror(join(scratch, "mirror.git"));
  for (const name of Object.keys(sha)) {
    repository.git("branch", "-f", "all", sha[name] ?? "");
    await fetchBranch(mirror, { url: repository.gitDirectory, authorization: null }, "all");
  }
});

afterAll(() => {
  repository.remove();
  rmSync(scratch, { recursive: true, force: true });
});

const plan = async (current: string) =>
  await planRevert(mirror, {
    before: await tree("before"),
    after: await tree("after"),
    current: await tree(current),
  });

describe("taking a change back", () => {
  it("restores the tree before it where nothing came later", async () => {
    expect(await plan("after")).toMatchObject({ kind: "revert", tree: await tree("before") });
  });

  it("keeps later changes of other files, and its patch makes the same tree", async () => {
    const planned = await plan("unrelated");
    if (planned.kind !== "revert") throw new Error(planned.kind);
    expect((await readFileOfTree(mirror, planned.tree, "kept.txt"))?.toString()).toBe("2\n");
    expect((await readFileOfTree(mirror, planned.tree, "edited.txt"))?.toString()).toBe("before\n");
    expect((await readFileOfTree(mirror, planned.tree, "removed.txt"))?.toString()).toBe(
      "was here\n",
    );
    expect(await readFileOfTree(mirror, planned.tree, "added/new.txt")).toBeNull();
    const applied = await applyPatch(mirror, sha["unrelated"] ?? "", planned.patch);
    expect(applied).toEqual({ applied: true, tree: planned.tree });
  });

  it("takes back what is left where somebody took a part of it back", async () => {
    const planned = await plan("half-taken-back");
    if (planned.kind !== "revert") throw new Error(planned.kind);
    expect((await readFileOfTree(mirror, planned.tree, "edited.txt"))?.toString()).toBe("before\n");
    expect(await readFileOfTree(mirror, planned.tree, "added/new.txt")).toBeNull();
  });

  it("has nothing to do where nothing is left of it", async () => {
    expect(await plan("before")).toEqual({ kind: "nothing-left" });
  });

  it.each([
    ["overlapping", ["edited.txt"]],
    ["in-the-way", ["removed.txt"]],
  ])(
    "leaves it to a person where a later change touched the same path: %s",
    async (current, paths) => {
      const planned = await plan(current);
      expect(planned).toMatchObject({ kind: "conflict", paths });
      if (planned.kind !== "conflict") return;
      // What does not conflict goes back; the rest stays as it is.
      expect(await readFileOfTree(mirror, planned.tree, "added/new.txt")).toBeNull();
      const path = paths[0] ?? "";
      const now = await readFileOfTree(mirror, await tree(current), path);
      expect(await readFileOfTree(mirror, planned.tree, path)).toEqual(now);
    },
  );
});

it("proves from git's objects which paths only go back", async () => {
  const before = await tree("before");
  const back = await diffTrees(mirror, await tree("after"), before);
  expect([...(await restoredPaths(mirror, back, before))].toSorted()).toEqual([
    "added/new.txt",
    "edited.txt",
    "removed.txt",
  ]);
  const further = await diffTrees(mirror, await tree("after"), await tree("overlapping"));
  expect([...(await restoredPaths(mirror, further, before))]).toEqual([]);
});
