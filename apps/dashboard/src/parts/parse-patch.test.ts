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
