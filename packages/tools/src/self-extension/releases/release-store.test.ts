import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mirrorOf, plainProject, treeFrom } from "../../testing/git-repository.ts";
import { digest } from "../../testing/lifecycle.ts";
import { listTree, type Mirror } from "../git/mirror.ts";
import type { BuildStage } from "../guard-config.ts";
import { listOutputs } from "../verification/build-stage.ts";
import { releaseDigest } from "../verification/release-digest.ts";
import { checkRelease, releasePlace, type ReleaseRefusal } from "./check-release.ts";
import { keepRelease } from "./keep-release.ts";
import { listRelease, treeIdOfFiles } from "./release-files.ts";
import { FILES, MANIFEST } from "./release-manifest.ts";
import {
  admitRelease,
  installRelease,
  prepareRelease,
  type ReleaseRequest,
} from "./release-store.ts";
import { listReleases, pruneReleases, sweepReleases } from "./retention.ts";

let mirror: Mirror;
let tree: string;
let made: Awaited<ReturnType<typeof mirrorOf>>;
let directory: string;
let store: string;

beforeAll(async () => {
  const repository = plainProject();
  made = await mirrorOf(repository);
  repository.remove();
  mirror = made.mirror;
  // Names whose order git decides by more than their letters, a program and a link.
  tree = await treeFrom(mirror, [
    { path: "package.json", content: "{}\n" },
    { path: "src/add.js", content: "export const add = (a, b) => a + b;\n" },
    { path: "src.txt", content: "beside a directory of nearly the same name\n" },
    { path: "src-more/ä.txt", content: "not ASCII\r\n" },
    { path: "bin/run", content: "#!/bin/sh\n", mode: "100755" },
    { path: "link", content: "src/add.js", mode: "120000" },
  ]);
});
afterAll(() => made.remove());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-releases-"));
  store = join(directory, "releases");
});
afterEach(() => {
  makeWritable(directory);
  rmSync(directory, { recursive: true, force: true });
});

describe("installing a release", () => {
  it("holds exactly the tree and what was built, read-only, and leaves nothing else", async () => {
    const request = await aRequest();
    const installed = await installRelease(store, request);
    expect(installed).toMatchObject({ ok: true, directory: join(placeOf(request), FILES) });
    const { files } = await listRelease(join(placeOf(request), FILES));
    expect(files.map(({ path }) => path).sort()).toEqual([
      "bin/run",
      "dist/index.js",
      "dist/tool",
      "link",
      "package.json",
      "src-more/ä.txt",
      "src.txt",
      "src/add.js",
    ]);
    expect(modeOf(request, "dist/index.js")).toBe(0o444);
    expect(modeOf(request, "dist/tool")).toBe(0o555);
    expect(modeOf(request, "bin/run")).toBe(0o555);
    expect(modeOf(request, "dist")).toBe(0o555);
    expect(readdirSync(store)).toEqual([request.releaseDigest.replace(":", "-")]);
  });

  it("is harmless to repeat, also at the same time", async () => {
    const request = await aRequest();
    const all = await Promise.all([1, 2, 3].map(() => installRelease(store, request)));
    expect(all.every(({ ok }) => ok)).toBe(true);
    const { ino } = statSync(placeOf(request));
    expect(await installRelease(store, request)).toMatchObject({ ok: true });
    expect(statSync(placeOf(request)).ino).toBe(ino);
    expect(readdirSync(store)).toHaveLength(1);
  });

  it("has no place before it is installed, and leaves nothing where it is given up", async () => {
    const request = await aRequest();
    const prepared = await prepareRelease(store, request);
    expect(await check(request)).toBe("release-missing");
    await prepared.discard();
    expect(readdirSync(store)).toEqual([]);
    const again = await prepareRelease(store, request);
    expect(await again.install()).toMatchObject({ ok: true });
    await again.discard();
    expect(await check(request)).toBe("ok");
  });

  it("puts a damaged release in order", async () => {
    const request = await aRequest();
    await installRelease(store, request);
    overwrite(join(placeOf(request), FILES, "dist/index.js"), "damaged\n");
    expect(await check(request)).toBe("digest-differs");
    expect(await installRelease(store, request)).toMatchObject({ ok: true });
    expect(await check(request)).toBe("ok");
  });

  it.each<[ReleaseRefusal, string, () => Promise<ReleaseRequest>]>([
    [
      "digest-differs",
      "what was built is not what the evidence names",
      async () => await aRequest({}, { releaseDigest: digest("0") }),
    ],
    [
      "outputs-hide-tree",
      "the build writes where the repository has files",
      async () => await aRequest({}, {}, "src"),
    ],
    [
      "outputs-overlap",
      "two builds write the same directory",
      async () => {
        const request = await aRequest();
        return { ...request, outputs: [...request.outputs, ...request.outputs] };
      },
    ],
    [
      "node-differs",
      "another Node built it",
      async () => await aRequest({}, { nodeVersion: "v1" }),
    ],
  ])("refuses with %s where %s", async (code, _, makeRequest) => {
    const request = await makeRequest();
    expect(await installRelease(store, request)).toMatchObject({ ok: false, code });
    expect(readdirSync(store)).toEqual([]);
  });

  it("does not follow a link that a build left, nor keep what broke half way", async () => {
    const request = await aRequest();
    symlinkSync("/etc/passwd", join(request.outputs[0]?.hostPath ?? "", "passwd"));
    await expect(installRelease(store, request)).rejects.toMatchObject({ code: "symlink" });
    expect(readdirSync(store)).toEqual([]);
  });

  it("keeps the very output of a verification, without what a compiler remembers by", async () => {
    const output = writeOutput({ "index.js": "built\n", ".tsbuildinfo": "remembered\n" });
    const files = (await listOutputs([output])).filter(({ path }) => path === "dist/index.js");
    const facts = { treeSha: tree, lockfileDigest: null, nodeVersion: process.version, files };
    const stage: BuildStage = {
      kind: "build",
      name: "compile",
      argv: ["true"],
      outputs: ["dist"],
      bookkeeping: ["**/.tsbuildinfo"],
    };
    const passed = {
      mirror,
      treeSha: tree,
      releaseDigest: releaseDigest(facts),
      dependencies: null,
      builds: [{ stage, outputs: [output] }],
    };
    const kept = await keepRelease(store, passed);
    expect(kept).toMatchObject({ ok: true });
    if (!kept.ok) return;
    expect(readdirSync(join(kept.directory, "dist"))).toEqual(["index.js"]);
    // A build without any output is a release too: the tree alone.
    const bare = releaseDigest({ ...facts, files: [] });
    const alone = await keepRelease(store, { ...passed, releaseDigest: bare, builds: [] });
    expect(alone).toMatchObject({ ok: true });
  });
});

describe("checking a release", () => {
  it.each<[string, ReleaseRefusal, (files: string, place: string) => void]>([
    [
      "a built file is changed",
      "digest-differs",
      (files) => overwrite(join(files, "dist/index.js"), "x"),
    ],
    ["a built file is missing", "digest-differs", (files) => remove(join(files, "dist/tool"))],
    [
      "a file is added to what was built",
      "digest-differs",
      (files) => add(join(files, "dist/evil.js")),
    ],
    [
      "a built file may be executed",
      "digest-differs",
      (files) => chmodSync(join(files, "dist/index.js"), 0o555),
    ],
    [
      "a file of the tree is changed",
      "tree-differs",
      (files) => overwrite(join(files, "src/add.js"), "x"),
    ],
    ["a file of the tree is missing", "tree-differs", (files) => remove(join(files, "src.txt"))],
    ["a file is added", "tree-differs", (files) => add(join(files, "src/evil.js"))],
    [
      "a program may not be executed",
      "tree-differs",
      (files) => chmodSync(join(files, "bin/run"), 0o444),
    ],
    [
      "a link leads elsewhere",
      "tree-differs",
      (files) => {
        remove(join(files, "link"));
        symlinkSync("/etc/passwd", join(files, "link"));
      },
    ],
    [
      "a built file is a link",
      "odd-file",
      (files) => {
        remove(join(files, "dist/tool"));
        symlinkSync("index.js", join(files, "dist/tool"));
      },
    ],
    [
      "a file has a second name",
      "odd-file",
      (files, place) => linkSync(join(files, "src.txt"), join(place, "other-name")),
    ],
    [
      "there is a directory more",
      "extra-directory",
      (files) => {
        chmodSync(join(files, "src"), 0o755);
        mkdirSync(join(files, "src/node_modules"));
      },
    ],
    ["the manifest is gone", "release-missing", (_, place) => remove(join(place, MANIFEST))],
    [
      "the manifest is no JSON",
      "manifest-malformed",
      (_, place) => overwrite(join(place, MANIFEST), "{"),
    ],
    [
      "the manifest names another release",
      "digest-differs",
      (_, place) => edit(place, (text) => text.replace(/sha256:[0-9a-f]{64}/, digest("0"))),
    ],
    [
      "the manifest names another tree",
      "digest-differs",
      (_, place) => edit(place, (text) => text.replace(tree, "0".repeat(40))),
    ],
    [
      "the manifest calls files of the tree built",
      "digest-differs",
      (_, place) => edit(place, (text) => text.replace('"dist"', '"dist", "src"')),
    ],
    [
      "the manifest leads out of the release",
      "manifest-malformed",
      (_, place) => edit(place, (text) => text.replace('"dist"', '"../dist"')),
    ],
    [
      "the files are a link to the same files",
      "release-missing",
      (files, place) => {
        renameSync(files, join(place, "elsewhere"));
        symlinkSync("elsewhere", files);
      },
    ],
    [
      "the files are gone",
      "release-missing",
      (files, place) => renameSync(files, join(place, "elsewhere")),
    ],
  ])("refuses when %s", async (_, code, damage) => {
    const request = await aRequest();
    await installRelease(store, request);
    expect(await check(request)).toBe("ok");
    const place = placeOf(request);
    makeWritable(place);
    damage(join(place, FILES), place);
    expect(await check(request)).toBe(code);
    expect(await admitRelease(store, request.releaseDigest, async () => true)).toMatchObject({
      ok: false,
      code,
    });
  });

  it("refuses what is not there", async () => {
    const missing = await checkRelease(releasePlace(store, digest("1")), digest("1"));
    expect(missing).toMatchObject({ ok: false, code: "release-missing" });
  });

  it("gives a place to mount dependencies on, and lets nothing lie in it", async () => {
    const dependencies = { key: "abc", nodeModules: ["node_modules", "packages/a/node_modules"] };
    const request = await aRequest({}, { dependencies });
    const installed = await installRelease(store, request);
    expect(installed).toMatchObject({ ok: true, manifest: { dependencies } });
    const files = join(placeOf(request), FILES);
    expect(readdirSync(join(files, "packages/a/node_modules"))).toEqual([]);
    makeWritable(placeOf(request));
    add(join(files, "node_modules/evil.js"));
    expect(await check(request)).toBe("tree-differs");
  });

  it("admits what somebody vouches for, and nothing else", async () => {
    const request = await aRequest();
    await installRelease(store, request);
    const asked: string[] = [];
    const answer = (isAttested: boolean) => async (treeSha: string) => {
      asked.push(treeSha);
      return await Promise.resolve(isAttested);
    };
    const { releaseDigest: name } = request;
    expect(await admitRelease(store, name, answer(true))).toMatchObject({ ok: true });
    expect(await admitRelease(store, name, answer(false))).toMatchObject({ code: "not-attested" });
    expect(asked).toEqual([tree, tree]);
    const broken = admitRelease(store, name, async () => await Promise.reject(new Error("down")));
    await expect(broken).rejects.toThrow("down");
  });

  it("computes the id that git gives a tree", async () => {
    const request = await aRequest();
    await installRelease(store, request);
    const { files } = await listRelease(join(placeOf(request), FILES));
    const own = files.filter(({ path }) => !path.startsWith("dist/"));
    expect(own).toHaveLength((await listTree(mirror, tree)).length);
    expect(treeIdOfFiles(own, [], "sha1")).toBe(tree);
  });
});

describe("retention", () => {
  it("keeps the last blessed, what is in use and the newest others", async () => {
    const names: Record<string, string> = {};
    for (const [age, content] of [..."abcdefg"].entries()) {
      const request = await aRequest({ "index.js": content });
      await installRelease(store, request);
      const at = new Date(2026, 0, 1 + age);
      utimesSync(placeOf(request), at, at);
      names[content] = request.releaseDigest;
    }
    const { a = "", b = "", c = "", d = "", e = "", f = "", g = "" } = names;
    const gone = await pruneReleases(store, {
      blessed: [e, c, a],
      keepBlessed: 2,
      inUse: [b],
      keepOthers: 1,
    });
    expect(gone.sort()).toEqual([a, d, f].sort());
    expect(await listReleases(store)).toEqual([b, c, e, g].sort());
    expect(readdirSync(store).every((name) => name.startsWith("sha256-"))).toBe(true);
  });

  it("sweeps what a crash left, and no release", async () => {
    const request = await aRequest();
    await installRelease(store, request);
    mkdirSync(join(store, ".new-1/files"), { recursive: true });
    chmodSync(join(store, ".new-1/files"), 0o555);
    mkdirSync(join(store, ".old-1"));
    await sweepReleases(store);
    expect(await listReleases(store)).toEqual([request.releaseDigest]);
    expect(readdirSync(store)).toHaveLength(1);
    await sweepReleases(join(store, "not there"));
  });

  it("sweeps nothing that this process is about to install", async () => {
    const request = await aRequest();
    const prepared = await prepareRelease(store, request);
    await sweepReleases(store);
    expect(await prepared.install()).toMatchObject({ ok: true });
  });
});

let outputs = 0;

function writeOutput(files: Record<string, string>, path = "dist") {
  const hostPath = join(directory, `out-${(outputs += 1)}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(hostPath, name)), { recursive: true });
    writeFileSync(join(hostPath, name), content, { mode: name === "tool" ? 0o755 : 0o644 });
  }
  return { path, hostPath };
}

async function aRequest(
  files: Record<string, string> = {},
  overrides: Partial<ReleaseRequest> = {},
  path = "dist",
): Promise<ReleaseRequest> {
  const output = writeOutput({ "index.js": "built\n", tool: "#!/bin/sh\n", ...files }, path);
  const facts = { treeSha: tree, lockfileDigest: digest("1"), nodeVersion: process.version };
  return {
    mirror,
    ...facts,
    releaseDigest: releaseDigest({
      ...facts,
      ...overrides,
      files: await listOutputs([output]),
    }),
    outputs: [output],
    isLeftOut: () => false,
    dependencies: null,
    ...overrides,
  };
}

const placeOf = (request: ReleaseRequest): string => releasePlace(store, request.releaseDigest);

async function check(request: ReleaseRequest): Promise<string> {
  const result = await checkRelease(placeOf(request), request.releaseDigest);
  return result.ok ? "ok" : result.code;
}

function modeOf(request: ReleaseRequest, path: string): number {
  return statSync(join(placeOf(request), FILES, path)).mode & 0o777;
}

/** Tests damage what is read-only, also where they are not root. */
function makeWritable(path: string): void {
  if (!existsSync(path)) return;
  chmodSync(path, 0o755);
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
}

function overwrite(path: string, content: string): void {
  const { mode } = statSync(path);
  chmodSync(path, 0o644);
  writeFileSync(path, content);
  chmodSync(path, mode & 0o777);
}

function edit(place: string, change: (text: string) => string): void {
  const path = join(place, MANIFEST);
  overwrite(path, change(readFileSync(path, "utf8")));
}

const remove = (path: string): void => rmSync(path);
const add = (path: string): void => writeFileSync(path, "extra\n");
