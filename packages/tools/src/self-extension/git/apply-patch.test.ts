import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  makeRepository,
  mirrorOf,
  treeFrom,
  type TestRepository,
} from "../../testing/git-repository.ts";
import { applyPatch } from "./apply-patch.ts";
import { diffTrees, listTree, readFileOfTree, writeCommit } from "./mirror.ts";

let repository: TestRepository;
let world: Awaited<ReturnType<typeof mirrorOf>>;

beforeAll(async () => {
  repository = makeRepository({
    "src/a.ts": "one\ntwo\nthree\n",
    "src/dos.ts": "one\r\ntwo\r\n",
    "run.sh": "#!/bin/sh\n",
    "large.txt": "0123456789abcde\n".repeat(2 ** 16),
    ...Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`many/${index}`, "x\n"])),
  });
  symlinkSync("/tmp", join(repository.directory, "link"));
  repository.commit("A link");
  world = await mirrorOf(repository);
});

afterAll(() => {
  world.remove();
  repository.remove();
});

describe("applyPatch", () => {
  it("renames, removes, adds and changes in one patch", async () => {
    const patch = repository.patch({
      "src/a.ts": null,
      "src/b.ts": "one\ntwo\nthree\n",
      "run.sh": null,
      "src/new.ts": "new\n",
    });
    expect(patch).toContain("rename from src/a.ts");
    expect(await changesOf(patch)).toEqual([
      "D run.sh",
      "D src/a.ts",
      "A src/b.ts",
      "A src/new.ts",
    ]);
  });

  it("changes a mode and nothing else", async () => {
    chmodSync(join(repository.directory, "run.sh"), 0o755);
    const patch = repository.git("diff", "HEAD");
    repository.git("reset", "-q", "--hard", "HEAD");
    expect(await changesOf(patch)).toEqual(["100644>100755 run.sh"]);
  });

  it("applies a patch of many files", async () => {
    const changed = Array.from({ length: 300 }, (_, index) => [`many/${index}`, "y\n"]);
    expect(await changesOf(repository.patch(Object.fromEntries(changed)))).toHaveLength(300);
  });

  it("keeps the line endings of a file that has carriage returns", async () => {
    const tree = await apply(repository.patch({ "src/dos.ts": "one\r\nTWO\r\n" }));
    const content = await readFileOfTree(world.mirror, tree ?? "", "src/dos.ts");
    expect(content?.toString()).toBe("one\r\nTWO\r\n");
  });

  it("does not smuggle carriage returns into a file when a patch has travelled through mail", async () => {
    const patch = repository.patch({ "src/a.ts": "one\n2\nthree\n" }).replaceAll("\n", "\r\n");
    const answer = await applyPatch(world.mirror, world.sha, Buffer.from(patch));
    expect(answer.applied).toBe(false);
  });

  it("says why a patch of another base does not apply", async () => {
    const patch = repository
      .patch({ "src/a.ts": "one\n2\nthree\n" })
      .replace(" one", " another line");
    const answer = await applyPatch(world.mirror, world.sha, Buffer.from(patch));
    expect(answer).toMatchObject({ applied: false });
    expect(answer.applied ? "" : answer.message).toContain("src/a.ts");
  });

  it.each([
    "../outside",
    "src/../../outside",
    "/tmp/jarvis-outside",
    ".git/config",
    ".GIT/hooks/pre-commit",
    "src/.git/config",
    ".git /config",
    "git~1/config",
    ".g\u200cit/config",
    "link/beyond",
  ])("refuses to write %j", async (path) => {
    const answer = await applyPatch(world.mirror, world.sha, Buffer.from(newFile(path)));
    expect(answer.applied).toBe(false);
    expect(existsSync("/tmp/jarvis-outside") || existsSync("/tmp/beyond")).toBe(false);
  });

  it("lets a file be copied as it is, a few times", async () => {
    expect(await changesOf(copies(3))).toEqual(["A copies/0", "A copies/1", "A copies/2"]);
  });

  it.each([
    ["copies a file of the base a hundred times", () => copies(100), "grow by 104857600 bytes"],
    ["copies it more often than git may hold", () => copies(1500), "takes more than 1073741824"],
    ["changes it over and over", () => rewrites(1500), "takes more than 1073741824"],
    ["adds a tree of directories", () => directories(60, 400), "more than 20000 files"],
  ])("refuses a short patch that %s, and keeps nothing of it", async (_, patch, message) => {
    const before = repositorySize();
    const answer = await applyPatch(world.mirror, world.sha, Buffer.from(patch()));
    expect(answer).toMatchObject({ applied: false, because: "patch-too-large" });
    expect(answer.applied ? "" : answer.message).toContain(message);
    expect(repositorySize()).toBe(before);
  });

  it("does not blame a patch for an object store that is broken", async () => {
    const { mirror } = world;
    const tree = await treeFrom(mirror, [{ path: "a.txt", content: "of this test alone\n" }]);
    const [file] = await listTree(mirror, tree);
    const { sha } = file ?? { sha: "" };
    const object = join(mirror.gitDir, "objects", sha.slice(0, 2), sha.slice(2));
    chmodSync(object, 0o644);
    writeFileSync(object, "no object");
    const patch = newFile("a.txt")
      .replace("new file mode 100644\n", "")
      .replace("--- /dev/null", "--- a/a.txt")
      .replace("@@ -0,0 +1 @@\n+new", "@@ -1 +1 @@\n-of this test alone\n+new");
    const about = { identity: { name: "a", email: "a@b" }, date: new Date(0), message: "x\n" };
    const commit = await writeCommit(mirror, { tree, parents: [], ...about });
    await expect(applyPatch(mirror, commit, Buffer.from(patch))).rejects.toMatchObject({
      code: "git-failed",
    });
  });

  it("lets the same file pass under an ordinary name", async () => {
    expect(await changesOf(newFile("src/ordinary"))).toEqual(["A src/ordinary"]);
  });
});

async function apply(patch: string): Promise<string | null> {
  const answer = await applyPatch(world.mirror, world.sha, Buffer.from(patch));
  return answer.applied ? answer.tree : null;
}

async function changesOf(patch: string): Promise<string[]> {
  const tree = await apply(patch);
  if (tree === null) throw new Error("the patch does not apply");
  const changes = await diffTrees(world.mirror, world.tree, tree);
  return changes.map(({ path, oldMode, newMode }) =>
    oldMode === null
      ? `A ${path}`
      : newMode === null
        ? `D ${path}`
        : `${oldMode}>${newMode} ${path}`,
  );
}

function repositorySize(): string {
  return execFileSync("git", [`--git-dir=${world.mirror.gitDir}`, "count-objects", "-v"], {
    encoding: "utf8",
  });
}

function copies(count: number): string {
  return Array.from({ length: count }, (_, index) =>
    [
      `diff --git a/large.txt b/copies/${index}`,
      "similarity index 100%",
      "copy from large.txt",
      `copy to copies/${index}`,
      "",
    ].join("\n"),
  ).join("");
}

function rewrites(count: number): string {
  const line = (index: number): string => (index === 0 ? "0123456789abcde" : `line ${index}`);
  return Array.from({ length: count }, (_, index) =>
    [
      "diff --git a/large.txt b/large.txt",
      "--- a/large.txt",
      "+++ b/large.txt",
      "@@ -1,4 +1,4 @@",
      `-${line(index)}`,
      `+${line(index + 1)}`,
      " 0123456789abcde",
      " 0123456789abcde",
      " 0123456789abcde",
      "",
    ].join("\n"),
  ).join("");
}

function directories(count: number, depth: number): string {
  return Array.from({ length: count }, (_, index) =>
    newFile(`${index}/${"d/".repeat(depth)}file`),
  ).join("");
}

function newFile(path: string): string {
  return [
    `diff --git a/${path} b/${path}`,
    "new file mode 100644",
    "--- /dev/null",
    `+++ b/${path}`,
    "@@ -0,0 +1 @@",
    "+new",
    "",
  ].join("\n");
}
