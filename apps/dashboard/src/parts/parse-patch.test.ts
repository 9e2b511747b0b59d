import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parsePatch } from "./parse-patch.ts";

const patch = `diff --git a/src/a.ts b/src/a.ts
index 1111111..2222222 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -3,3 +3,3 @@ heading
 same
--- a removed line that looks like a header
+diff --git a/x b/x
 end
diff --git a/new.ts b/new.ts
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/new.ts
@@ -0,0 +1 @@
+first
\\ No newline at end of file
`;

describe("a patch", () => {
  it("is cut into files and lines with their numbers", () => {
    const [a, b] = parsePatch(patch);
    expect([a?.path, a?.added, a?.removed]).toEqual(["src/a.ts", 1, 1]);
    expect(a?.lines.map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ["hunk", null, null],
      ["context", 3, 3],
      ["removed", 4, null],
      ["added", null, 4],
      ["context", 5, 5],
    ]);
    expect([b?.path, b?.added, b?.removed]).toEqual(["new.ts", 1, 0]);
    expect(b?.lines.map(({ kind }) => kind)).toEqual(["note", "hunk", "added", "note"]);
  });

  it("does not let a line within a hunk begin a file", () => {
    expect(parsePatch(patch)).toHaveLength(2);
    expect(parsePatch(patch)[0]?.lines[3]?.text).toBe("diff --git a/x b/x");
  });

  it("is nothing where there is none", () => {
    expect(parsePatch("whatever")).toEqual([]);
  });
});

/** The files that git itself changes with a patch, on a repository with `a.ts`, `b.ts` and `ä.txt`. */
function appliedBy(text: string): string[] {
  const cwd = mkdtempSync(join(tmpdir(), "jarvis-patch-"));
  const git = (args: string[], input?: string): string =>
    execFileSync("git", ["-c", "core.quotePath=false", ...args], { cwd, encoding: "utf8", input });
  try {
    git(["init", "--quiet"]);
    for (const name of ["a.ts", "b.ts", "ä.txt"]) writeFileSync(join(cwd, name), "one\n\ntwo\n");
    git(["add", "--all"]);
    const before = git(["write-tree"]).trim();
    git(["apply", "--cached", "-p1", "-"], text);
    const changed = git(["diff-tree", "-r", "--name-only", before, git(["write-tree"]).trim()]);
    return changed.trim().split("\n").toSorted();
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

const hunk = "@@ -1,3 +1,3 @@\n one\n \n-two\n+2\n";
const sides = (before: string, after = before): string => `--- a/${before}\n+++ b/${after}\n`;

describe("every file that git applies is shown, under the name that git takes", () => {
  it.each([
    ["announced", `diff --git a/a.ts b/a.ts\n${sides("a.ts")}${hunk}`],
    [
      "that no header announces",
      `diff --git a/a.ts b/a.ts\n${sides("a.ts")}${hunk}${sides("b.ts")}${hunk}`,
    ],
    [
      "behind a header that has no lines of its own",
      `diff --git a/a.ts b/a.ts\nold mode 100644\nnew mode 100755\nand so\n${sides("b.ts")}${hunk}`,
    ],
    [
      "before any header",
      `${sides("b.ts")}${hunk}diff --git a/a.ts b/a.ts\n${sides("a.ts")}${hunk}`,
    ],
    ["that its header names otherwise", `diff --git a/a.ts b/a.ts\n${sides("b.ts")}${hunk}`],
    [
      "with a name in quotes",
      `diff --git "a/\\303\\244.txt" "b/\\303\\244.txt"\n--- "a/\\303\\244.txt"\n+++ "b/\\303\\244.txt"\n${hunk}`,
    ],
    [
      "with a quoted name and nothing but a mode",
      `diff --git "a/\\303\\244.txt" "b/\\303\\244.txt"\nold mode 100644\nnew mode 100755\n`,
    ],
    [
      "behind a hunk whose empty line lost its space",
      `diff --git a/a.ts b/a.ts\n${sides("a.ts")}${hunk.replace("\n \n", "\n\n")}${sides("b.ts")}${hunk}`,
    ],
    [
      "new",
      `diff --git a/a.ts b/a.ts\n${sides("a.ts")}${hunk}diff --git a/c.ts b/c.ts\nnew file mode 100644\n--- /dev/null\n+++ b/c.ts\n@@ -0,0 +1 @@\n+x\n`,
    ],
    [
      "moved",
      "diff --git a/a.ts b/c.ts\nsimilarity index 100%\nrename from a.ts\nrename to c.ts\n",
    ],
    [
      "deleted",
      `diff --git a/a.ts b/a.ts\ndeleted file mode 100644\n--- a/a.ts\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-one\n-\n-two\n`,
    ],
  ])("%s", (_, text) => {
    const shown = parsePatch(text).flatMap(({ path }) => path.split(" → "));
    expect(shown).toEqual(expect.arrayContaining(appliedBy(text)));
  });
});
