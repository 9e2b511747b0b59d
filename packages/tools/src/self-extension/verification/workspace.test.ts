import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { appendFile, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { treeFrom } from "../../testing/git-repository.ts";
import { openMirror, type Mirror } from "../git/mirror.ts";
import { treeIdOf, writeWorkspace } from "./workspace.ts";

let root: string;
let mirror: Mirror;
let made = 0;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "jarvis-workspace-"));
  mirror = await openMirror(join(root, "mirror.git"));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("writeWorkspace", () => {
  it("writes the bytes of the blobs, whatever the tree's attributes say", async () => {
    const attributes = [
      "* text=auto eol=crlf ident",
      "gone.txt export-ignore",
      "subst.txt export-subst",
      "*.f filter=evil working-tree-encoding=UTF-16",
    ].join("\n");
    const files = {
      ".gitattributes": attributes,
      "gone.txt": "not ignored\n",
      "subst.txt": "$Format:%H$ $Id$\n",
      "unix.txt": "a\nb\n",
      "dos.txt": "a\r\nb\r\n",
      "x.f": "plain\n",
      "sub/.gitattributes": "* -text export-ignore\n",
      "sub/deep/er/file": "no newline at the end",
      empty: "",
    };
    const directory = await write(
      Object.entries(files).map(([path, content]) => ({ path, content })),
    );
    for (const [path, content] of Object.entries(files)) {
      expect(readFileSync(join(directory, path), "utf8")).toBe(content);
    }
  });

  it("keeps the executable bit, odd names, bytes that are no text, and a link as a link", async () => {
    const names = ["a b", "-rf", "Ünïcode", "世界/ファイル", "*?[x]", 'q"uote', "tab\tnew\nline"];
    const binary = Buffer.from([0, 255, 254, 10, 13, 10]);
    const directory = await write([
      ...names.map((path) => ({ path, content: path })),
      { path: "run.sh", content: "#!/bin/sh\n", mode: "100755" },
      { path: "binary", content: binary },
      { path: "link", content: "/etc/passwd", mode: "120000" },
    ]);
    for (const name of names) expect(readFileSync(join(directory, name), "utf8")).toBe(name);
    expect(lstatSync(join(directory, "run.sh")).mode & 0o777).toBe(0o755);
    expect(lstatSync(join(directory, "a b")).mode & 0o777).toBe(0o644);
    expect(readFileSync(join(directory, "binary"))).toEqual(binary);
    expect(readlinkSync(join(directory, "link"))).toBe("/etc/passwd");
  });

  it("does not write into what lies there already", async () => {
    const tree = await treeFrom(mirror, [{ path: "a", content: "new" }]);
    const directory = join(root, "taken");
    await writeWorkspace(mirror, tree, directory);
    await expect(writeWorkspace(mirror, tree, directory)).rejects.toThrow("EEXIST");
  });

  it("throws where the directory holds more than the tree", async () => {
    const directory = await write([{ path: "other", content: "x" }]);
    const tree = await treeFrom(mirror, [{ path: "a", content: "x" }]);
    await expect(writeWorkspace(mirror, tree, directory)).rejects.toMatchObject({
      code: "workspace-mismatch",
    });
  });
});

describe("treeIdOf", () => {
  it("is git's own id, for any tree", async () => {
    const segment = fc.oneof(
      fc.constantFrom("a", "a.b", "a-b", "a0", "A", "ab", "é", "e\u0301", "世", "👋", "z z", "-"),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 }).filter((name) => isName(name)),
    );
    const file = fc.record({
      path: fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
      content: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      mode: fc.constantFrom("100644", "100755"),
    });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(file, { selector: ({ path }) => path }), async (files) => {
        const kept = files.filter(
          ({ path }) => !files.some((other) => other.path.startsWith(`${path}/`)),
        );
        const tree = await treeFrom(mirror, kept);
        const directory = join(root, `property-${(made += 1)}`);
        // Throws where the id of what lies on the disk is another.
        await writeWorkspace(mirror, tree, directory);
        expect(await treeIdOf(directory)).toBe(tree);
      }),
      { numRuns: 25 },
    );
  });

  it.each([
    ["a byte", async (directory: string) => await appendFile(join(directory, "a"), "!")],
    ["the executable bit", async (directory: string) => await chmod(join(directory, "a"), 0o755)],
    ["a file more", async (directory: string) => await appendFile(join(directory, "b"), "")],
  ])("is another one for %s", async (_, change) => {
    const directory = await write([{ path: "a", content: "x" }]);
    const before = await treeIdOf(directory);
    await change(directory);
    expect(await treeIdOf(directory)).not.toBe(before);
  });
});

async function write(files: Parameters<typeof treeFrom>[1]): Promise<string> {
  const directory = join(root, `w-${(made += 1)}`);
  await writeWorkspace(mirror, await treeFrom(mirror, files), directory);
  return directory;
}

function isName(name: string): boolean {
  return !/[\0/]/.test(name) && !/^\.{1,2}$/.test(name) && !/git/i.test(name);
}
