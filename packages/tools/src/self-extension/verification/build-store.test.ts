import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runInSandbox } from "@jarvis/sandbox";
import { makeRepository, type TestRepository } from "../../testing/git-repository.ts";
import { fetchBranch, openMirror, treeOf, type Mirror } from "../git/mirror.ts";
import type { BuildStage, GuardConfig } from "../guard-config.ts";
import { packageManagerEnv } from "../package-manager-env.ts";
import { runBuildStage, type BuildResult } from "./build-stage.ts";
import { buildStore } from "./build-store.ts";
import { dependencyTree, type DependencyTree } from "./dependencies.ts";
import { Workspaces } from "./workspaces.ts";

const stage: BuildStage = {
  kind: "build",
  name: "compile",
  argv: ["node", "node_modules/typescript/bin/tsc", "-b"],
  outputs: ["dist"],
  bookkeeping: ["dist/.tsbuildinfo"],
};
const config: GuardConfig = { version: 1, dependencies: { manager: "pnpm" }, stages: [stage] };
const runtime = {
  env: packageManagerEnv(process.env),
  defaultPnpm: "12.21.0",
};

let scratch: string;
let repository: TestRepository;
let mirror: Mirror;
let dependencies: DependencyTree | null;
let count = 0;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "jarvis-build-"));
  repository = makeRepository({
    "package.json": JSON.stringify({
      name: "p",
      type: "module",
      devDependencies: { typescript: "7.0.2" },
    }),
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        composite: true,
        rootDir: "src",
        outDir: "dist",
        module: "nodenext",
        tsBuildInfoFile: "dist/.tsbuildinfo",
        types: [],
      },
      include: ["src"],
    }),
    "src/a.ts": "export const a: number = 1;\n",
    "src/b.ts": 'export { a } from "./a.js";\n',
  });
  execFileSync("npx", ["--yes", "pnpm@12.21.0", "install", "--lockfile-only", "--prefer-offline"], {
    cwd: repository.directory,
    env: runtime.env,
    stdio: "ignore",
  });
  repository.commit("Pin the compiler");
  mirror = await openMirror(join(scratch, "mirror.git"));
  dependencies = await dependencyTree(
    mirror,
    { tree: await currentTree(), baseTree: await currentTree(), config },
    join(scratch, "dependencies"),
    runtime,
  );
});

afterAll(() => {
  repository.remove();
  rmSync(scratch, { recursive: true, force: true });
});

describe("a build that begins from the base's output", () => {
  it("gives byte for byte what a clean build gives, also when the base was built later than the workspace was written", async () => {
    const store = buildStore(join(scratch, "builds"));
    const baseTree = await currentTree();
    repository.write({
      "src/a.ts": "export const a: number = 2;\n",
      "src/c.ts": 'export const c: string = "new";\n',
    });
    repository.commit("Change one file and add another");
    const tree = await currentTree();
    const clean = await build(tree, async () => undefined);
    const incremental = await build(tree, async (outputs) => {
      // The base is built here, after the workspace of the change was written.
      const base = await build(baseTree, async () => undefined);
      await store.keep(baseTree, stage, base.outputs);
      expect(await store.layOut(baseTree, stage, outputs)).toBe(true);
    });
    expect(incremental.diagnostics.status).toBe("passed");
    expect(released(incremental)).toEqual(released(clean));
    expect(released(clean).map(({ path }) => path)).toContain("dist/c.js");
  });

  it("hands out copies: what a candidate writes does not reach the store", async () => {
    const store = buildStore(join(scratch, "builds-2"));
    const tree = await currentTree();
    const first = await build(tree, async () => undefined);
    await store.keep(tree, stage, first.outputs);
    const second = await build(tree, async (outputs) => {
      await store.layOut(tree, stage, outputs);
      for (const { hostPath } of outputs) rmSync(join(hostPath, "a.js"));
    });
    expect(second.outputs).not.toEqual(first.outputs);
    const third = await build(tree, async (outputs) => {
      await store.layOut(tree, stage, outputs);
      expect(readFileSync(join(outputs[0]?.hostPath ?? "", "a.js"), "utf8")).toContain("2");
    });
    expect(released(third)).toEqual(released(first));
  });

  it("keeps the newest few, and leaves what is being written until its writer is surely gone", async () => {
    const directory = join(scratch, "builds-4");
    const store = buildStore(directory);
    const [young, old] = [join(directory, ".new-young"), join(directory, ".new-old")];
    for (const path of [young, old]) mkdirSync(path, { recursive: true });
    utimesSync(old, new Date(0), new Date(0));
    const { outputs } = await build(await currentTree(), async () => undefined);
    const trees = Array.from({ length: 12 }, (_, n) => String(n).repeat(40).slice(0, 40));
    await Promise.all(trees.map(async (tree) => await store.keep(tree, stage, outputs)));
    await store.keep("f".repeat(40), stage, outputs);
    const left = readdirSync(directory);
    expect(left).toContain(".new-young");
    expect(left).not.toContain(".new-old");
    const whole = left.filter((name) => !name.startsWith(".new-"));
    // Of prunings at once each takes what it saw as old: never more are kept, perhaps fewer.
    expect(whole.length).toBeLessThanOrEqual(4);
    expect(whole.length).toBeGreaterThan(0);
  });

  it("has nothing for a tree that was never kept", async () => {
    const store = buildStore(join(scratch, "builds-3"));
    expect(await store.layOut(await currentTree(), stage, [])).toBe(false);
  });
});

async function currentTree(): Promise<string> {
  const remote = { url: repository.gitDirectory, authorization: null };
  return await treeOf(mirror, await fetchBranch(mirror, remote, "main"));
}

async function build(
  tree: string,
  prepare: (outputs: BuildResult["outputs"]) => Promise<void>,
): Promise<BuildResult> {
  count += 1;
  const workspaces = new Workspaces({
    mirror,
    baseTree: tree,
    dependencies: { base: dependencies, candidate: dependencies },
    scratch: join(scratch, `w-${count}`),
    keptDirectory: join(scratch, "files"),
  });
  const world = await workspaces.shared(tree, []);
  return await runBuildStage(stage, world, {
    run: runInSandbox,
    outputRoot: join(scratch, `out-${count}`),
    signal: new AbortController().signal,
    prepare,
  });
}

function released(result: BuildResult) {
  return result.files.filter(({ path }) => path !== "dist/.tsbuildinfo");
}
