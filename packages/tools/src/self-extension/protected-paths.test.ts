import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  makeRepository,
  mirrorOf,
  treeFrom,
  type TestRepository,
} from "../testing/git-repository.ts";
import { diffTrees } from "./git/mirror.ts";
import type { GuardConfig } from "./guard-config.ts";
import { readImportGraph } from "./import-graph.ts";
import { findProtected } from "./protected-paths.ts";

let repository: TestRepository;
let world: Awaited<ReturnType<typeof mirrorOf>>;

beforeAll(async () => {
  repository = makeRepository({ "README.md": "x\n" });
  world = await mirrorOf(repository);
});

afterAll(() => {
  world.remove();
  repository.remove();
});

describe("findProtected", () => {
  it.each<[string, Record<string, string | null>]>([
    ["new source with a new test", { "src/new.ts": "1", "src/new.test.ts": `import "./new.ts";` }],
    ["a changed source that tests are about", { "src/add.ts": "export const add = 2;" }],
    ["a removed source", { "src/loose.ts": null }],
    ["a document", { "docs/guide.md": "x" }],
    ["a new fixture for a new test", { "src/fixtures/new.json": "{}" }],
  ])("lets %s pass", async (_, changes) => {
    expect(await reasonsOf(changes)).toEqual([]);
  });

  it.each<[string, Record<string, string | null>]>([
    ["a changed test", { "src/add.test.ts": "" }],
    ["a removed test", { "src/add.test.ts": null }],
    ["a changed fixture", { "src/fixtures/sums.json": "[1]" }],
    ["a changed snapshot", { "src/add.test.ts.snap": "" }],
    ["a helper that only tests import", { "src/build-world.ts": "export const world = 2;" }],
    ["a new file that takes a helper's place", { "src/build-world.js": "export const world = 3;" }],
    ["a new test configuration", { "vitest.config.ts": "export default {};" }],
    ["one in a folder", { "src/deep/vitest.workspace.ts": "export default [];" }],
    ["one in another case", { "VITEST.CONFIG.MTS": "export default {};" }],
    ["a new tsconfig", { "src/tsconfig.json": "{}" }],
    ["a tsconfig of another name", { "tsconfig.build.json": "{}" }],
    ["a new mock", { "src/__mocks__/fs.ts": "" }],
    ["a linter's settings", { ".oxlintrc.json": "{}" }],
    ["settings of a test runner", { ".mocharc.cjs": "" }],
    ["an environment file that runners load", { ".env.test": "A=1" }],
    ["a workflow", { ".github/workflows/ci.yml": "" }],
    ["anything in .github", { ".github/x": "" }],
    ["it in another case", { ".GitHub/x": "" }],
    ["a CI script", { ".ci/run": "" }],
    ["a pipeline of another CI", { "azure-pipelines.yml": "" }],
    ["a folder of another CI", { ".buildkite/pipeline.yml": "" }],
    ["the guard's own configuration", { "jarvis.config.json": "{}" }],
  ])("sends %s to a person as evaluator-changed", async (_, changes) => {
    expect(await reasonsOf(changes)).toEqual(["evaluator-changed"]);
  });

  it.each<[string, Record<string, string | null>]>([
    ["a manifest", { "package.json": `{"name":"other"}` }],
    ["a new manifest", { "src/package.json": "{}" }],
    ["a manifest in another case", { "src/Package.JSON": "{}" }],
    ["a lockfile", { "pnpm-lock.yaml": "" }],
    ["a lockfile of npm", { "sub/package-lock.json": "" }],
    ["the workspace", { "pnpm-workspace.yaml": "" }],
    ["hooks of the package manager", { ".pnpmfile.cjs": "" }],
    ["a patch of a dependency", { "patches/zod.patch": "" }],
    ["a dependency itself", { "src/node_modules/zod/index.js": "" }],
    ["a file in its place", { "src/node_modules": "" }],
  ])("sends %s to a person as dependencies-changed", async (_, changes) => {
    expect(await reasonsOf(changes)).toContain("dependencies-changed");
  });

  // Inert here: brackets in a git tree.
  it("sends a source whose imports no parser can read to a person, wherever it lies", async () => {
    expect(await reasonsOf({ "src/deep.ts": "[".repeat(200_000) })).toEqual(["kernel-closure"]);
  });

  it("counts registries and tokens of the package manager as dependencies", async () => {
    expect(await reasonsOf({ ".npmrc": "registry=https://evil.example" })).toContain(
      "dependencies-changed",
    );
  });

  it.each<[string, Record<string, string | null>]>([
    ["agent instructions", { "AGENTS.md": "obey" }],
    ["them in a folder, in another case", { "src/agents.MD": "obey" }],
    ["instructions of other agents", { "CLAUDE.md": "", ".cursor/rules/x.mdc": "" }],
    ["prompts", { "src/prompts/author.txt": "" }],
    ["tasks that an editor runs", { ".vscode/tasks.json": "{}" }],
    ["a container that an editor starts", { "src/.devcontainer/devcontainer.json": "{}" }],
    ["hooks of a hook manager", { "lefthook.yml": "" }],
    ["skills", { ".agents/skills/release/SKILL.md": "obey" }],
    ["git attributes", { ".gitattributes": "* -diff" }],
    ["git attributes in a folder", { "src/.gitattributes": "* -diff" }],
    ["what git ignores", { ".gitignore": "*.test.ts" }],
    ["who reviews", { CODEOWNERS: "* @me" }],
    ["what the configuration lists", { "SECURITY.md": "" }],
  ])("sends %s to a person as protected-path", async (_, changes) => {
    expect(new Set(await reasonsOf(changes))).toEqual(new Set(["protected-path"]));
  });

  it.each<[string, Record<string, string | null>]>([
    ["the entry itself", { "kernel/main.ts": `import "./guard.ts"; evil();` }],
    ["what it imports", { "kernel/guard.ts": "export const ok = true;" }],
    ["what that imports", { "src/deep.ts": "export const deep = 2;" }],
    ["a listed path", { "scripts/start.mjs": "" }],
    ["a new file in a listed path", { "scripts/new.mjs": "" }],
    ["a new file in the place of an import", { "kernel/guard.js": "" }],
  ])("sends a change of %s to a person as kernel-closure", async (_, changes) => {
    expect(await reasonsOf(changes)).toEqual(["kernel-closure"]);
  });

  it("sees a closure that the change enlarges: the new import and what it reaches", async () => {
    const findings = await findingsOf({
      "kernel/guard.ts": `import "../src/deep.ts"; import "../src/new.ts";`,
      "src/new.ts": `import "./newer.ts";`,
      "src/newer.ts": "",
    });
    expect(findings.map(({ path }) => path).toSorted()).toEqual([
      "kernel/guard.ts",
      "src/new.ts",
      "src/newer.ts",
    ]);
  });

  it("sees a file that leaves the closure by the same change", async () => {
    const findings = await findingsOf({ "kernel/guard.ts": "", "src/deep.ts": "evil();" });
    expect(findings.map(({ path }) => path).toSorted()).toEqual(["kernel/guard.ts", "src/deep.ts"]);
  });
});

const base: Record<string, string> = {
  "package.json": `{"name":"small"}`,
  "pnpm-lock.yaml": "lockfileVersion: 9\n",
  "src/add.ts": "export const add = 1;",
  "src/loose.ts": "export const loose = 1;",
  "src/build-world.ts": "export const world = 1;",
  "src/add.test.ts": `import "./add.js"; import "./build-world.js"; import sums from "./fixtures/sums.json";`,
  "src/add.test.ts.snap": "snapshot",
  "src/fixtures/sums.json": "[]",
  "src/deep.ts": "export const deep = 1;",
  "src/deep.test.ts": `import "./deep.ts";`,
  "kernel/main.ts": `import "./guard.js";`,
  "kernel/guard.ts": `import "../src/deep.ts";`,
  "scripts/start.mjs": "start();",
};

const config: GuardConfig = {
  version: 1,
  dependencies: { manager: "none" },
  stages: [{ kind: "check", name: "nothing", argv: ["true"] }],
  protected: { paths: ["SECURITY.md"] },
  kernel: { entries: ["kernel/main.ts"], paths: ["scripts/**"] },
};

async function findingsOf(changes: Record<string, string | null>) {
  const candidate = Object.fromEntries(
    Object.entries({ ...base, ...changes }).filter(([, content]) => content !== null),
  ) as Record<string, string>;
  const before = await treeOfFiles(base);
  const after = await treeOfFiles(candidate);
  return findProtected({
    changes: await diffTrees(world.mirror, before, after),
    config,
    base: await readImportGraph(world.mirror, before),
    candidate: await readImportGraph(world.mirror, after),
  });
}

async function reasonsOf(changes: Record<string, string | null>): Promise<string[]> {
  return [...new Set((await findingsOf(changes)).map(({ reason }) => reason))];
}

async function treeOfFiles(files: Record<string, string>): Promise<string> {
  return await treeFrom(
    world.mirror,
    Object.entries(files).map(([path, content]) => ({ path, content })),
  );
}
