import { describe, expect, it } from "vitest";
import type { TreeChange } from "./git/mirror.ts";
import { parseProposal, refuseChanges, refuseContent, refusePatchText } from "./proposal.ts";

const limits = { patchBytes: 10_000, allowBinary: false };
const reasonsOf = (patch: string) => [
  ...new Set(refusePatchText(patch, limits).map(({ reason }) => reason)),
];

describe("parseProposal", () => {
  it("takes a git patch with its context", () => {
    const proposal = parseProposal({
      patch: patchOf("src/a.ts"),
      goalId: "g1",
      actorSource: "agent",
    });
    expect(proposal).toMatchObject({ goalId: "g1", actorSource: "agent", cycleId: null });
  });

  it.each([[""], ["hello"], ["--- a\n+++ b\n"]])("does not take %j for a git patch", (patch) => {
    expect(() => parseProposal({ patch })).toThrow(
      expect.objectContaining({ code: "invalid-proposal" }),
    );
  });
});

describe("refusePatchText", () => {
  it("lets an ordinary change pass", () => {
    expect(refusePatchText(patchOf("src/a.ts"), limits)).toEqual([]);
  });

  it.each([
    ["../outside", "path-traversal"],
    ["src/../../outside", "path-traversal"],
    ["src\\..\\x", "path-traversal"],
    ["/etc/passwd", "absolute-path"],
    ["C:/Windows/x", "absolute-path"],
    [".git/config", "git-directory"],
    ["src/.GIT/hooks/post-checkout", "git-directory"],
    [".git./config", "git-directory"],
    ["git~1/config", "git-directory"],
    [".g\u200cit/config", "git-directory"],
    [".git. ::$INDEX_ALLOCATION/config", "git-directory"],
    [".husky/pre-commit", "git-hook"],
    [".gitmodules", "submodule"],
  ])("refuses the path %j", (path, reason) => {
    expect(reasonsOf(patchOf(path))).toContain(reason);
  });

  it("reads a name as long as the patch, whatever it is made of", () => {
    for (const part of [". ", ":", ":\\n", "."]) {
      const patch = quoting(`${part.repeat(400_000)}x`);
      const refusals = refusePatchText(patch, { ...limits, patchBytes: 1e8 });
      expect(refusals.every(({ detail }) => detail.length < 1000)).toBe(true);
    }
  });

  it("takes what is no octal number of a quoted name for its characters", () => {
    expect(reasonsOf(quoting("\\999"))).toEqual([]);
  });

  it.each([
    ["120000", "symlink"],
    ["160000", "submodule"],
    ["100777", "file-mode"],
  ])("refuses the mode %s", (mode, reason) => {
    expect(reasonsOf(patchOf("a", mode))).toContain(reason);
  });

  it("refuses a name that git quotes because of what is in it", () => {
    expect(reasonsOf(quoting("..\\057..\\057etc"))).toContain("path-traversal");
  });

  it("refuses hidden characters, binary content and too much of anything", () => {
    expect(reasonsOf(patchOf("a").replace("+new", "+new \u202e"))).toEqual(["control-characters"]);
    expect(reasonsOf(`${patchOf("a")}GIT binary patch\nliteral 3\n`)).toEqual(["binary-change"]);
    expect(reasonsOf(patchOf("a") + "+x\n".repeat(5000))).toEqual(["patch-too-large"]);
  });

  it("refuses paths that no file system of ours holds", () => {
    expect(reasonsOf(patchOf("a".repeat(255)))).toEqual([]);
    expect(reasonsOf(patchOf("a".repeat(256)))).toEqual(["patch-too-large"]);
    expect(reasonsOf(patchOf("a/".repeat(511) + "ab"))).toEqual([]);
    expect(reasonsOf(patchOf("a/".repeat(512) + "b"))).toEqual(["patch-too-large"]);
    expect(refuseChanges([change("ä".repeat(128))])).toMatchObject([{ reason: "patch-too-large" }]);
  });

  it("does not take a removed line that begins with dashes for a header", () => {
    expect(reasonsOf(`${patchOf("a")}@@ -1,1 +1,0 @@\n--- ../x\n`)).toEqual([]);
  });
});

describe("refuseChanges", () => {
  it("lets files of both modes pass", () => {
    expect(refuseChanges([change("a"), change("b", "100755")])).toEqual([]);
  });

  it("refuses a change of nothing", () => {
    expect(refuseChanges([])).toMatchObject([{ reason: "empty-change" }]);
  });

  it.each([
    ["120000", "symlink"],
    ["160000", "submodule"],
  ])("refuses mode %s whatever the patch said", (mode, reason) => {
    expect(refuseChanges([change("a", mode)])).toMatchObject([{ reason }]);
  });

  it("refuses to remove a symbolic link as well", () => {
    expect(refuseChanges([{ ...change("a"), oldMode: "120000" }])).toMatchObject([
      { reason: "symlink" },
    ]);
  });
});

describe("refuseContent", () => {
  it("lets binary files pass where the base allows them, but no source that only looks like one", () => {
    const bytes = Buffer.from([0x63, 0xff, 0x00]);
    expect(refuseContent("logo.png", bytes, { allowBinary: true })).toEqual([]);
    expect(refuseContent("tool.ts", bytes, { allowBinary: true })).toMatchObject([
      { reason: "binary-change" },
    ]);
  });

  it.each([
    ["a.ts", Buffer.from("const a = 1;\n"), []],
    ["a.bin", Buffer.from([0, 1, 2]), ["binary-change"]],
    ["a.txt", Buffer.from([0xff, 0xfe, 0x41]), ["binary-change"]],
    ["a.ts", Buffer.from("if (a\u202e) {}"), ["control-characters"]],
    ["sub/.gitattributes", Buffer.from("* filter=evil\n"), ["attribute-filter"]],
    [".gitattributes", Buffer.from("* text=auto\n"), []],
  ])("judges %s", (path, content, reasons) => {
    expect(refuseContent(path, content, limits).map(({ reason }) => reason)).toEqual(reasons);
  });
});

function patchOf(path: string, mode = "100644"): string {
  return [
    `diff --git a/${path} b/${path}`,
    `new file mode ${mode}`,
    "--- /dev/null",
    `+++ b/${path}`,
    "@@ -0,0 +1 @@",
    "+new",
    "",
  ].join("\n");
}

/** A new file whose name git writes in quotes. */
function quoting(name: string): string {
  return patchOf("x").replace("+++ b/x", () => `+++ "b/${name}"`);
}

function change(path: string, newMode = "100644"): TreeChange {
  return { path, oldMode: null, newMode, oldSha: null, newSha: "a".repeat(40) };
}
