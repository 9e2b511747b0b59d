import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { approve, releaseOf, settle } from "../testing/approval.ts";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { startTestRegistry, type TestRegistry } from "../testing/npm-registry.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";
import { releasedFiles, stillDemanded } from "./verification/inventory.ts";

let world: TestWorld;
let repository: TestRepository;

afterEach(async () => {
  await world.close();
  repository.remove();
});

describe("an approved change of tests", () => {
  it("is examined by its own version of those files, and by every other test of the base", async () => {
    repository = plainProject({ "test/sum.test.js": test("sums", "add(2, 2)", 4) });
    world = await makeTestWorld(repository);
    const breaking = repository.patch({
      "src/add.js": "export const add = (a, b) => a + b + 1;\n",
      "test/add.test.js": test("adds one more", "add(1, 2)", 4),
    });
    const broken = await world.propose(breaking);
    await approve(world, broken.state.runId);
    const refused = await settle(world, broken.state.runId);
    expect(refused.result).toMatchObject({
      status: "blocked",
      blockReasons: ["isolated-verification-failed"],
    });
    expect(refused.result.verificationDiagnostics[0]?.failingTests).toEqual([
      "test/sum.test.js > sums",
    ]);

    const renaming = repository.patch({
      "test/add.test.js": test("adds two numbers", "add(1, 2)", 3),
    });
    const renamed = await world.propose(renaming);
    expect(renamed.result.blockReasons).toEqual(["evaluator-changed"]);
    await approve(world, renamed.state.runId);
    const done = await settle(world, renamed.state.runId);
    expect(done.result).toMatchObject({ success: true, testEvidence: "in-process" });
  });
});

describe("an approved change of dependencies", () => {
  it("is built from its own lockfile", async () => {
    repository = plainProject({
      "package-lock.json": lockfile({}),
      ".npmrc": "audit=false\n",
    });
    world = await makeTestWorld(repository);
    const patch = repository.patch({
      "package.json": manifest({
        workspaces: ["packages/local"],
        dependencies: { local: "1.0.0" },
      }),
      "package-lock.json": lockfile({
        "": { workspaces: ["packages/local"], dependencies: { local: "1.0.0" } },
        "node_modules/local": { resolved: "packages/local", link: true },
        "packages/local": { version: "1.0.0" },
      }),
      "packages/local/package.json": JSON.stringify({
        name: "local",
        version: "1.0.0",
        type: "module",
        main: "main.js",
      }),
      "packages/local/main.js": "export const one = 1;\n",
      "test/local.test.js": test("is found", "one", 1, "local", "one"),
    });
    const run = await world.propose(patch);
    expect(run.result.blockReasons).toEqual(["dependencies-changed"]);
    const { parameters } = await releaseOf(world, run.state.runId);
    expect(parameters.addedPackages).toEqual([]);
    expect(parameters.findings.map(({ path }) => path)).toEqual([
      "package-lock.json",
      "package.json",
      "packages/local/package.json",
    ]);
    await approve(world, run.state.runId);
    const done = await settle(world, run.state.runId);
    expect(done.result).toMatchObject({ success: true });
  });

  describe("from the registry", () => {
    // Written where only a script of the package could write it; nothing else makes this file.
    const marker = join(tmpdir(), `jarvis-install-script-${process.pid}`);
    const files = {
      "package.json": JSON.stringify({
        name: "left",
        version: "1.0.0",
        type: "module",
        main: "main.js",
        scripts: { postinstall: `node -e "require('fs').writeFileSync('${marker}', '')"` },
      }),
      "main.js": "export const one = 1;\n",
    };
    let registry: TestRegistry;

    afterEach(async () => await registry.close());

    const proposeLeft = async () => {
      repository = plainProject({ "package-lock.json": lockfile({}) });
      world = await makeTestWorld(repository, { packageManagerEnv: registry.env });
      const run = await world.propose(
        repository.patch({
          "package.json": manifest({ dependencies: { left: "1.0.0" } }),
          "package-lock.json": lockfile({
            "": { dependencies: { left: "1.0.0" } },
            "node_modules/left": { ...registry.locked, hasInstallScript: true },
          }),
          "test/left.test.js": test("is found", "one", 1, "left", "one"),
        }),
      );
      const { parameters } = await releaseOf(world, run.state.runId);
      expect(parameters.addedPackages).toMatchObject([
        { name: "left", version: "1.0.0", integrity: registry.locked.integrity },
      ]);
      // Nothing is fetched, and so nothing can run, before a person has seen it.
      expect(registry.requests).toEqual([]);
      await approve(world, run.state.runId);
      return (await settle(world, run.state.runId)).result;
    };

    it("is fetched when a person approved it, and none of its scripts runs", async () => {
      registry = await startTestRegistry("left", files);
      expect(await proposeLeft()).toMatchObject({ success: true });
      expect(registry.requests).toEqual(["/left/-/left-1.0.0.tgz"]);
      expect(existsSync(marker)).toBe(false);
    });

    it("is refused when the registry serves other bytes than were approved", async () => {
      const other = (tarball: Buffer): Buffer => Buffer.concat([tarball, Buffer.from("more")]);
      registry = await startTestRegistry("left", files, other);
      // The engine, which this world is without, records that as the failure of the run.
      await expect(proposeLeft()).rejects.toMatchObject({
        code: "dependencies-failed",
        message: expect.stringContaining("EINTEGRITY") as unknown,
      });
    });
  });

  it.each([
    [
      "comes from git",
      { resolved: "git+ssh://git@example.com/left.git#abc", version: "1.0.0", integrity },
      "comes from git+ssh",
    ],
    [
      "has no integrity",
      { resolved: "https://registry.npmjs.org/left/-/left-1.0.0.tgz", version: "1.0.0" },
      "has no integrity",
    ],
  ])("that %s is not even asked for", async (_, entry, sentence) => {
    repository = plainProject({ "package-lock.json": lockfile({}) });
    world = await makeTestWorld(repository);
    const run = await world.propose(
      repository.patch({ "package-lock.json": lockfile({ "node_modules/left": entry }) }),
    );
    expect(run.result).toMatchObject({ status: "blocked", blockReasons: ["dependencies-changed"] });
    expect(run.result.error).toContain(sentence);
    await expect(releaseOf(world, run.state.runId)).rejects.toThrow("nothing was asked");
  });
});

describe("the inventory of an approved change of tests", () => {
  const names = [
    "test/a.test.js > one",
    "test/a.test.js.old > two",
    "test/b.test.js > one",
    "test/b.test.js > made > of data/a.json: one",
    "test/b.test.js > made of data/a.json.old",
    "test/b.test.js > README has its commands",
  ];
  const at = (path: string, oldMode: string | null = "100644") =>
    ({ path, oldMode, newMode: null, oldSha: null, newSha: null }) as never;
  const demanded = (change: Parameters<typeof releasedFiles>[0]) =>
    stillDemanded(names, releasedFiles(change));

  it.each([
    ["evaluator-changed", [at("test/a.test.js")], [0]],
    ["evaluator-changed", [at("test/a.test.js", null)], []],
    ["evaluator-changed", [at("data/a.json")], [3]],
    ["evaluator-changed", [at("README")], []],
    ["kernel-closure", [at("test/a.test.js"), at("data/a.json")], []],
  ] as const)("with %s approved demands what was not touched", (released, changes, gone) => {
    const approval = { actionId: 1, approvedBy: "anna", treeSha: "", released: [released] };
    const restored = new Set<string>();
    const left = names.filter((_, index) => !gone.some((each) => each === index));
    expect(demanded({ approval, restored, changes })).toEqual(left);
    expect(demanded({ approval: null, restored, changes })).toEqual(names);
  });

  it("of a revert demands nothing of what only goes back", () => {
    const change = { approval: null, changes: [at("test/a.test.js"), at("test/b.test.js")] };
    const restored = new Set(["test/a.test.js"]);
    expect(demanded({ ...change, restored })).toEqual(names.slice(1));
  });
});

const integrity = `sha512-${"A".repeat(86)}==`;

function manifest(more: Record<string, unknown>): string {
  return JSON.stringify({ name: "plain", version: "1.0.0", type: "module", ...more });
}

function lockfile(packages: Record<string, Record<string, unknown>>): string {
  const root = { name: "plain", version: "1.0.0", ...packages[""] };
  return JSON.stringify({
    name: "plain",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: { ...packages, "": root },
  });
}

function test(
  name: string,
  expression: string,
  value: number,
  from = "../src/add.js",
  what = "add",
): string {
  return [
    `import assert from "node:assert/strict";`,
    `import test from "node:test";`,
    `import { ${what} } from "${from}";`,
    `test("${name}", () => assert.equal(${expression}, ${value}));`,
    "",
  ].join("\n");
}
