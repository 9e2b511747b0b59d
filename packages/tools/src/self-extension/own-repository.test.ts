import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { vouchedFor } from "../body-tools.ts";
import { applyPatch } from "./git/apply-patch.ts";
import { diffTrees, openMirror, treeOf, type Mirror } from "./git/mirror.ts";
import { gitEnvironment, gitText, runGit } from "./git/run-git.ts";
import type { GuardConfig } from "./guard-config.ts";
import { closureOf, readImportGraph, type ImportGraph } from "./import-graph.ts";
import { loadConfig } from "./load-config.ts";
import { refuseChanges, refusePatchText } from "./proposal.ts";
import { findProtected } from "./protected-paths.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const examples = join(root, "examples", "changes");

let directory: string;
let mirror: Mirror;
let head: string;
let base: ImportGraph;
let baseTree: string;
let config: GuardConfig;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-own-"));
  mirror = await openMirror(join(directory, "mirror.git"));
  // Also from a linked work tree, a shallow clone and a detached head.
  const gitDirectory = execFileSync("git", ["-C", root, "rev-parse", "--absolute-git-dir"], {
    encoding: "utf8",
    env: { ...gitEnvironment(), PATH: process.env["PATH"] ?? "" },
  }).trim();
  const allowed = { ...gitEnvironment(), GIT_ALLOW_PROTOCOL: "file" };
  await runGit(
    ["fetch", "--quiet", "--no-tags", "--depth=1", `file://${gitDirectory}`, "+HEAD:refs/own/head"],
    { ...mirror, env: allowed },
  );
  head = await gitText(["rev-parse", "refs/own/head"], mirror);
  baseTree = await treeOf(mirror, head);
  base = await readImportGraph(mirror, baseTree);
  config = await loadConfig(mirror, baseTree);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("this repository's own guard", () => {
  it("leaves a new built-in tool free", async () => {
    const folder = "packages/tools/src/builtin/new-tool";
    const files = ["tool.ts", "tool.test.ts", "examples.json"].map((name) => `${folder}/${name}`);
    expect(await findingsOf(files.map((path) => newFile(path)).join(""))).toEqual([]);
  });

  it.each([
    "packages/db",
    "packages/sandbox",
    "packages/forge",
    "packages/operator-core/src",
    "packages/tools/src/self-extension",
    "apps/agent/src",
    "apps/cli/src",
    "scripts",
  ])("protects every file of %s", (folder) => {
    const paths = [...base.paths].filter((path) => path.startsWith(`${folder}/`));
    expect(paths.length).toBeGreaterThan(0);
    const changes = paths.map((path) => ({
      path,
      oldMode: "100644",
      newMode: "100644",
      oldSha: "a".repeat(40),
      newSha: "b".repeat(40),
    }));
    const found = new Set(
      findProtected({ changes, config, base, candidate: base }).map(({ path }) => path),
    );
    expect(paths.filter((path) => !found.has(path))).toEqual([]);
  });

  it.each([
    ["what the author is told", "apps/agent/src/author/prompt.ts", "kernel-closure"],
    ["how a model is configured", "apps/agent/src/kernel/model/model-config.ts", "kernel-closure"],
    ["what a replay answers", "examples/recordings/goal.ndjson", "kernel-closure"],
    ["what agents are told here", "AGENTS.md", "protected-path"],
    ["what they are told of one part", "apps/agent/AGENTS.md", "protected-path"],
    ["a skill", ".agents/skills/review/SKILL.md", "protected-path"],
    ["what confines tools", "packages/tools/src/confined/run-confined.ts", "kernel-closure"],
    ["what a tool may have", "packages/tools/src/builtin/new-tool/manifest.json", "protected-path"],
    ...[...vouchedFor].map((name) => [
      `a tool in the body's own process: ${name}`,
      `packages/tools/src/builtin/${name}/tool.ts`,
      "kernel-closure",
    ]),
  ])("lets nobody but a person change, add or take away %s", (_what, path, reason) => {
    const there = { mode: "100644", sha: "a".repeat(40) };
    const none = { mode: null, sha: null };
    for (const [before, after] of [
      [there, { ...there, sha: "b".repeat(40) }],
      [none, there],
      [there, none],
    ] as const) {
      const change = {
        path,
        oldMode: before.mode,
        newMode: after.mode,
        oldSha: before.sha,
        newSha: after.sha,
      };
      const findings = findProtected({ changes: [change], config, base, candidate: base });
      expect(findings.map((finding) => finding.reason)).toContain(reason);
    }
  });

  it("keeps the tools out of the kernel: what judges imports none of what is judged", () => {
    const closure = closureOf(base, ["apps/agent/src/main.ts"]);
    expect(closure.size).toBeGreaterThan(50);
    const tools = [...closure].filter(
      (path) =>
        path.startsWith("packages/tools/src/builtin/") || path === "packages/tools/src/registry.ts",
    );
    expect(tools).toEqual([]);
  });
});

describe("the example changes", () => {
  const patches = readdirSync(examples).filter((name) => name.endsWith(".patch"));

  it.each(patches)(
    "%s applies to the newest commit and says nothing that is refused",
    async (name) => {
      const patch = readFileSync(join(examples, name));
      expect(
        refusePatchText(patch.toString("utf8"), {
          patchBytes: 2 ** 20,
          allowBinary: false,
        }),
      ).toEqual([]);
      const applied = await applyPatch(mirror, head, patch);
      expect(applied).toMatchObject({ applied: true });
      if (!applied.applied) return;
      expect(refuseChanges(await diffTrees(mirror, baseTree, applied.tree))).toEqual([]);
    },
  );

  it.each(patches.filter((name) => /^[14]/.test(name)))(
    "%s touches nothing protected",
    async (name) => {
      expect(await findingsOf(readFileSync(join(examples, name), "utf8"))).toEqual([]);
    },
  );
});

async function findingsOf(patch: string) {
  const applied = await applyPatch(mirror, head, Buffer.from(patch));
  if (!applied.applied) throw new Error(applied.message);
  return findProtected({
    changes: await diffTrees(mirror, baseTree, applied.tree),
    config,
    base,
    candidate: await readImportGraph(mirror, applied.tree),
  });
}

function newFile(path: string): string {
  return [
    `diff --git a/${path} b/${path}`,
    "new file mode 100644",
    "--- /dev/null",
    `+++ b/${path}`,
    "@@ -0,0 +1 @@",
    "+{}",
    "",
  ].join("\n");
}
