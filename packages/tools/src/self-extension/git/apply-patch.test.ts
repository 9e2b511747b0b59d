import { chmodSync, existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRepository, mirrorOf, type TestRepository } from "../../testing/git-repository.ts";
import { applyPatch } from "./apply-patch.ts";
import { diffTrees, readFileOfTree } from "./mirror.ts";

let repository: TestRepository;
let world: Awaited<ReturnType<typeof mirrorOf>>;

beforeAll(async () => {
  repository = makeRepository({
    "src/a.ts": "one\ntwo\nthree\n",
    "src/dos.ts": "one\r\ntwo\r\n",
    "run.sh": "#!/bin/sh\n",
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
