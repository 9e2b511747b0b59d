import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { runInSandbox } from "@jarvis/sandbox";
import { treeFrom } from "../../testing/git-repository.ts";
import { listTree, openMirror, type Mirror } from "../git/mirror.ts";
import { keptFiles } from "./kept-files.ts";
import { writeWorkspace } from "./workspace.ts";

const base = [
  { path: "src/a.js", content: "a\n" },
  { path: "src/same-as-a.js", content: "a\n" },
  { path: "run.sh", content: "#!/bin/sh\n", mode: "100755" },
  { path: "link", content: "src/a.js", mode: "120000" },
  { path: "attack.mjs", content: attack() },
];
const candidate = [
  ...base.filter(({ path }) => path !== "link"),
  { path: "src/new.js", content: "from the change\n" },
];

let root: string;
let mirror: Mirror;
let keptDirectory: string;
let baseTree: string;
let candidateTree: string;
let made = 0;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "jarvis-kept-"));
  mirror = await openMirror(join(root, "mirror.git"));
  baseTree = await treeFrom(mirror, base);
  candidateTree = await treeFrom(mirror, candidate);
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeEach(() => {
  keptDirectory = join(root, `kept-${(made += 1)}`);
});

describe("a workspace that is made of kept files", () => {
  it("shares the base's files with the next one, and nothing that a change brings", async () => {
    const first = await write(candidateTree);
    const second = await write(candidateTree);
    const inode = (directory: string, path: string) => lstatSync(join(directory, path)).ino;
    for (const path of ["src/a.js", "src/same-as-a.js", "run.sh"]) {
      expect(inode(second, path)).toBe(inode(first, path));
    }
    expect(inode(second, "src/new.js")).not.toBe(inode(first, "src/new.js"));
    const contents = readdirSync(keptDirectory).map((name) =>
      readFileSync(join(keptDirectory, name), "utf8"),
    );
    expect(contents.toSorted()).toEqual([attack(), "#!/bin/sh\n", "a\n"]);
    expect(lstatSync(keptDirectory).mode & 0o777).toBe(0o700);
  });

  it("gives a candidate no way to change what is kept, though it owns a writable directory", async () => {
    const directory = await write(baseTree);
    const out = mkdtempSync(join(root, "out-"));
    const before = lstatSync(join(directory, "src/a.js"));
    const result = await runInSandbox({
      argv: ["node", "attack.mjs"],
      workspace: directory,
      mounts: [{ kind: "rw", source: out, target: "/out" }],
    });
    expect(result).toMatchObject({ outcome: "exited", exitCode: 0, stderr: "" });
    const refusals = z.record(z.string(), z.string()).parse(JSON.parse(result.stdout));
    expect(Object.keys(refusals)).toHaveLength(7);
    for (const code of Object.values(refusals)) expect(code).toMatch(/^E(ROFS|XDEV|PERM|ACCES)$/);
    const after = lstatSync(join(directory, "src/a.js"));
    expect([after.ino, after.mode, after.mtimeMs]).toEqual([
      before.ino,
      before.mode,
      before.mtimeMs,
    ]);
    expect(readFileSync(join(await write(baseTree), "src/a.js"), "utf8")).toBe("a\n");
    expect(readdirSync(keptDirectory)).not.toEqual([]);
  });

  const tampered: [string, (path: string) => void][] = [
    ["has one byte more", (path) => appendFileSync(path, "!")],
    ["was emptied, as a crash may leave it", (path) => writeFileSync(path, "")],
    ["has become executable", (path) => chmodSync(path, 0o755)],
    [
      "is a link to a file elsewhere",
      (path) => {
        rmSync(path);
        symlinkSync(join(root, "mirror.git", "HEAD"), path);
      },
    ],
    [
      "is a pipe that nobody writes to",
      (path) => {
        rmSync(path);
        execFileSync("mkfifo", [path]);
      },
    ],
  ];

  it.each(tampered)("is written anew where a kept file %s, and keeps none", async (_, tamper) => {
    await write(baseTree);
    for (const name of readdirSync(keptDirectory))
      if (name.endsWith("-100644")) tamper(join(keptDirectory, name));
    const directory = await write(candidateTree);
    expect(readFileSync(join(directory, "src/a.js"), "utf8")).toBe("a\n");
    expect(lstatSync(join(directory, "src/a.js")).nlink).toBe(1);
    expect(() => readdirSync(keptDirectory)).toThrow("ENOENT");
    // And from then on from what was kept anew.
    await write(baseTree);
    expect(lstatSync(join(await write(baseTree), "src/a.js")).nlink).toBeGreaterThan(2);
  });

  it("throws, and leaves alone what lies there, where it is told to use a directory of another", async () => {
    await write(baseTree);
    const directory = join(root, `w-${(made += 1)}`);
    await write(await treeFrom(mirror, [{ path: "other", content: "x" }]), directory);
    await expect(write(baseTree, directory)).rejects.toMatchObject({ code: "workspace-mismatch" });
    expect(readFileSync(join(directory, "other"), "utf8")).toBe("x");
    expect(readdirSync(keptDirectory)).not.toEqual([]);
  });

  it("is written where nothing can be kept", async () => {
    writeFileSync(keptDirectory, "not a directory");
    const directory = await write(candidateTree);
    expect(readFileSync(join(directory, "src/a.js"), "utf8")).toBe("a\n");
  });
});

describe("kept files", () => {
  it("are forgotten when bases of late had none of them, those of the newest base are not", async () => {
    const treeOfOne = async (content: string) => await treeFrom(mirror, [{ path: "x", content }]);
    for (const content of ["1", "2", "3"]) {
      const tree = await treeOfOne(content);
      await write(tree, undefined, tree);
    }
    const contents = readdirSync(keptDirectory).map((name) =>
      readFileSync(join(keptDirectory, name), "utf8"),
    );
    expect(contents).toEqual(["3"]);
  });
});

async function write(tree: string, into?: string, ofBase = baseTree): Promise<string> {
  const directory = into ?? join(root, `w-${(made += 1)}`);
  const kept = keptFiles(keptDirectory, await listTree(mirror, ofBase));
  await writeWorkspace(mirror, tree, directory, { kept });
  return directory;
}

/** A program that tries whatever changes a file, and prints how each was refused. */
function attack(): string {
  return `
    import fs from "node:fs";
    const file = "/ws/src/a.js";
    const attempts = {
      write: () => fs.writeFileSync(file, "changed"),
      append: () => fs.closeSync(fs.openSync(file, "a")),
      truncate: () => fs.truncateSync(file, 0),
      mode: () => fs.chmodSync(file, 0o777),
      times: () => fs.utimesSync(file, 1, 1),
      "link to a writable place": () => fs.linkSync(file, "/out/a.js"),
      "replace": () => fs.renameSync(file, "/ws/src/b.js"),
    };
    const refusals = {};
    for (const [name, attempt] of Object.entries(attempts)) {
      try { attempt(); } catch (error) { refusals[name] = error.code; }
    }
    console.log(JSON.stringify(refusals));
  `;
}
