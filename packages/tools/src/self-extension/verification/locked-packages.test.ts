import { afterEach, describe, expect, it } from "vitest";
import { makeRepository, mirrorOf } from "../../testing/git-repository.ts";
import { fetchBranch, treeOf } from "../git/mirror.ts";
import { addedPackages } from "./locked-packages.ts";
import { readNpmLockfile } from "./npm-lockfile.ts";
import { readPnpmLockfile } from "./pnpm-lockfile.ts";

const registry = "https://registry.npmjs.org/";
const integrity = `sha512-${"A".repeat(86)}==`;
const removals: (() => void)[] = [];

afterEach(() => {
  for (const remove of removals.splice(0)) remove();
});

describe("package-lock.json", () => {
  const read = (packages: Record<string, unknown>, lockfileVersion = 3) =>
    readNpmLockfile(JSON.stringify({ lockfileVersion, packages }), "package-lock.json", registry);

  it("names packages of the registry, scoped, nested and aliased", () => {
    const at = { version: "1.2.3", integrity };
    const { packages, problems } = read({
      "": { name: "root" },
      "node_modules/left": { ...at, resolved: `${registry}left/-/left-1.2.3.tgz` },
      "node_modules/left/node_modules/@scope/right": at,
      "node_modules/alias": { ...at, name: "real" },
      "node_modules/left/node_modules/inside": { version: "1.0.0", inBundle: true },
      "node_modules/workspace": { resolved: "packages/workspace", link: true },
      "packages/workspace": { version: "0.0.0" },
    });
    expect(problems).toEqual([]);
    expect(packages.map(({ name }) => name).sort()).toEqual([
      "@scope/right",
      "inside",
      "left",
      "real",
    ]);
  });

  it.each([
    ["git", { resolved: "git+https://example.com/x.git#a", version: "1.0.0", integrity }],
    ["a file", { resolved: "file:../x.tgz", version: "1.0.0", integrity }],
    ["another host", { resolved: "https://example.com/x.tgz", version: "1.0.0", integrity }],
    [
      "a host that looks alike",
      { resolved: "https://registry.npmjs.org.example.com/x.tgz", version: "1.0.0", integrity },
    ],
    ["no integrity", { resolved: `${registry}x/-/x-1.0.0.tgz`, version: "1.0.0" }],
    ["a broken digest", { version: "1.0.0", integrity: "sha1-AAAA" }],
    ["a link out of the repository", { resolved: "../../etc", link: true }],
    ["what would be bundled in nothing", { version: "1.0.0", inBundle: true }],
    ["an absolute link", { resolved: "/etc", link: true }],
  ])("refuses %s", (_, entry) => {
    const { packages, problems } = read({ "node_modules/x": entry });
    expect(packages).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  it("refuses a folder of the repository within a package of the registry", () => {
    const link = { resolved: "packages/x", link: true };
    expect(read({ "node_modules/left/node_modules/x": link }).problems).toHaveLength(1);
    expect(read({ "packages/y/node_modules/x": link }).links).toEqual([
      { file: "package-lock.json", name: "x", directory: "packages/x" },
    ]);
  });

  it("refuses a lockfile of an unknown version, and what is none", () => {
    expect(read({}, 1).problems).toHaveLength(1);
    expect(readNpmLockfile("{", "package-lock.json", registry).problems).toHaveLength(1);
  });
});

describe("pnpm-lock.yaml", () => {
  const entry = (key: string, resolution: string) =>
    `lockfileVersion: '9.0'\npackages:\n  '${key}':\n    resolution: {${resolution}}\n`;

  it("names packages of the registry, in every document", async () => {
    const first = entry("@pnpm/exe@12.21.0", `integrity: ${integrity}`);
    const second = entry("left@1.2.3", `integrity: ${integrity}`);
    const { packages, problems } = await readPnpmLockfile(`${first}---\n${second}`, registry);
    expect(problems).toEqual([]);
    expect(packages).toEqual([
      { name: "@pnpm/exe", version: "12.21.0", integrity },
      { name: "left", version: "1.2.3", integrity },
    ]);
  });

  it.each([
    ["git", "x@git+https://example.com/x.git", "type: git, repo: https://x, commit: a"],
    ["a tarball elsewhere", "x@1.0.0", `integrity: ${integrity}, tarball: https://example.com/x`],
    ["a version that is an address", "x@https://example.com/x", `integrity: ${integrity}`],
    ["a directory", "x@file:x", "type: directory, directory: x"],
    ["no integrity", "x@1.0.0", ""],
  ])("refuses %s", async (_, key, resolution) => {
    const { packages, problems } = await readPnpmLockfile(entry(key, resolution), registry);
    expect(packages).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  it("refuses patches, importers outside, unknown versions, and what is no YAML", async () => {
    const patched = "lockfileVersion: '9.0'\npatchedDependencies:\n  x: {hash: a, path: p}\n";
    expect((await readPnpmLockfile(patched, registry)).problems).toHaveLength(1);
    const outside = "lockfileVersion: '9.0'\nimporters:\n  .: {}\n  ../other: {}\n";
    expect((await readPnpmLockfile(outside, registry)).problems).toHaveLength(1);
    expect((await readPnpmLockfile("lockfileVersion: '6.0'\n", registry)).problems).toHaveLength(1);
    expect((await readPnpmLockfile("a: [", registry)).problems).toHaveLength(1);
    expect((await readPnpmLockfile("", registry)).problems).toHaveLength(1);
  });

  it("names the folders that are linked, and refuses others and those of packages", async () => {
    const importing = (version: string) =>
      `lockfileVersion: '9.0'\nimporters:\n  apps/a:\n    devDependencies:\n      x: {specifier: '*', version: '${version}'}\n`;
    expect(await readPnpmLockfile(importing("link:../../packages/x"), registry)).toEqual({
      packages: [],
      links: [{ file: "pnpm-lock.yaml", name: "x", directory: "packages/x" }],
      problems: [],
    });
    for (const version of ["link:../../../x", "link:/etc", "file:/etc"]) {
      const { links, problems } = await readPnpmLockfile(importing(version), registry);
      expect([links.length, problems.length]).toEqual([0, 1]);
    }
    const inside =
      "lockfileVersion: '9.0'\nsnapshots:\n  left@1.0.0:\n    dependencies: {x: 'link:packages/x'}\n";
    expect((await readPnpmLockfile(inside, registry)).problems).toHaveLength(1);
  });

  // Inert here: a list of names. The parser compares each with all before it.
  it("keeps nobody else waiting for one that is made to be read for long", async () => {
    let longestMs = 0;
    let last = performance.now();
    const tick = (): void => {
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    };
    const timer = setInterval(tick, 20);
    const names = Array.from({ length: 25_000 }, (_, index) => `k${index}:`).join("\n");
    const { problems } = await readPnpmLockfile(names, registry);
    tick();
    clearInterval(timer);
    expect(problems).toHaveLength(1);
    expect(longestMs).toBeLessThan(1000);
  });

  it("reads this repository's own", async () => {
    const { readFile } = await import("node:fs/promises");
    const own = new URL("../../../../../pnpm-lock.yaml", import.meta.url);
    const { packages, problems } = await readPnpmLockfile(await readFile(own, "utf8"), registry);
    expect(problems).toEqual([]);
    expect(packages.length).toBeGreaterThan(100);
  });
});

describe("what a change brings", () => {
  it("is what the base has not locked in this form, and nothing of how it is installed", async () => {
    const lock = (...names: string[]) =>
      `lockfileVersion: '9.0'\npackages:\n${names
        .map((name) => `  '${name}':\n    resolution: {integrity: ${integrity}}\n`)
        .join("")}`;
    const change = await aBase({
      "package.json": `{"name":"x","packageManager":"pnpm@12.21.0"}`,
      "pnpm-lock.yaml": lock("left@1.0.0", "same@1.0.0"),
      "pnpm-workspace.yaml": "packages:\n  - a\n",
    });
    const brought = await change({
      "pnpm-lock.yaml": lock("left@2.0.0", "same@1.0.0"),
      "pnpm-workspace.yaml":
        "packages:\n  - a\ncatalog:\n  left: 2.0.0\nallowBuilds:\n  left: true\n",
    });
    expect(brought).toEqual({
      packages: [{ name: "left", version: "2.0.0", integrity }],
      refusals: [],
    });
    const refused = await change({
      "package.json": `{"name":"x","packageManager":"pnpm@1.0.0"}`,
      "pnpm-workspace.yaml":
        "packages:\n  - a\nconfigDependencies:\n  x: 1\npatchedDependencies:\n  left: p\n",
    });
    expect(refused.refusals.map(({ detail }) => detail.split(" says")[0])).toEqual([
      "pnpm-workspace.yaml: configDependencies",
      "pnpm-workspace.yaml: patchedDependencies",
      "package.json: packageManager",
    ]);
  });
});

it("is no folder under another name than its own package's", async () => {
  const lock = (version: string) =>
    `lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      zod: {specifier: '*', version: '${version}'}\n`;
  const change = await aBase({ "pnpm-lock.yaml": lock("1.0.0"), "shim/package.json": "{}" });
  const linked = { "pnpm-lock.yaml": lock("link:shim") };
  for (const manifest of ["{}", `{"name":"shim"}`, "{"]) {
    const { refusals } = await change({ ...linked, "shim/package.json": manifest });
    expect(refusals.map(({ detail }) => detail)).toEqual([
      expect.stringContaining("pnpm-lock.yaml: zod is linked to shim, which holds"),
    ]);
  }
  expect((await change({ "shim/package.json": `{"name":"zod"}` })).refusals).toEqual([]);
  // Its package can be called otherwise later.
  expect((await change({ "shim/package.json": `{"name":"shim"}` })).refusals).toHaveLength(1);
});

it("takes a problem of the base for known only where it is the very same", async () => {
  const lock = (version: string) =>
    JSON.stringify({ lockfileVersion: 3, packages: { "node_modules/x": { version } } });
  const change = await aBase({ "package-lock.json": lock("1.0.0") });
  expect((await change({ "README.md": "x" })).refusals).toEqual([]);
  expect((await change({ "package-lock.json": lock("2.0.0") })).refusals).toHaveLength(1);
});

/** A base, and what a change of some of its files brings. */
async function aBase(files: Record<string, string>) {
  const repository = makeRepository(files);
  const held = await mirrorOf(repository);
  const { mirror, tree: baseTree } = held;
  removals.push(
    () => held.remove(),
    () => repository.remove(),
  );
  return async (changed: Record<string, string>) => {
    repository.write(changed);
    repository.commit("Change");
    const from = { url: repository.gitDirectory, authorization: null };
    const treeSha = await treeOf(mirror, await fetchBranch(mirror, from, "main"));
    return await addedPackages(mirror, { baseTree, treeSha }, { env: {} });
  };
}
