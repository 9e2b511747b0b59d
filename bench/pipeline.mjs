// How long a change takes through the pipeline, phase by phase, beside the same work by hand.
//
//   pnpm bench [rounds]        default 5; needs a quiet machine and about a minute a round
//
// Both sides take turns in one run, each round with a change of its own (a new built-in tool). By hand
// means: git worktree add, pnpm install --offline --frozen-lockfile, the build, the same tests with the
// same configuration, the smoke. Medians are printed, and the ratio by hand : pipeline.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openMirror } from "../packages/tools/dist/self-extension/index.js";
import { loadConfig } from "../packages/tools/dist/self-extension/load-config.js";
import { dependenciesOf } from "../packages/tools/dist/self-extension/verification/dependencies.js";
import { Workspaces } from "../packages/tools/dist/self-extension/verification/workspaces.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "apps/cli/dist/main.js");
const rounds = Number(process.argv[2] ?? 5);
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const scratch = mkdtempSync(join(tmpdir(), "jarvis-bench-"));
const state = join(scratch, "state");
const samples = new Map();

/** Adds one measurement in milliseconds. */
function note(name, ms) {
  samples.set(name, [...(samples.get(name) ?? []), ms]);
}

function timed(name, work) {
  const started = performance.now();
  const value = work();
  note(name, performance.now() - started);
  return value;
}

function run(command, args, options = {}) {
  return execFileSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "ignore"],
    ...options,
  });
}

function jarvis(...args) {
  return JSON.parse(run(process.execPath, [cli, ...args, "--state-dir", state, "--json"]));
}

/** A new tool under a name of its own, as files. */
function change(round) {
  const name = `bench-${round}`;
  const directory = `packages/tools/src/builtin/${name}`;
  const example = { tool: name, examples: [{ input: { value: round }, output: { value: round } }] };
  return {
    [`${directory}/tool.ts`]: [
      `import { z } from "zod";`,
      `import { defineTool } from "../../tool.ts";`,
      `export const tool = defineTool({`,
      `  name: ${JSON.stringify(name)},`,
      `  description: "Answers what it was given.",`,
      `  effect: "read",`,
      `  input: z.object({ value: z.number() }),`,
      `  execute: async ({ value }) => ({ value }),`,
      `});`,
      ``,
    ].join("\n"),
    [`${directory}/tool.test.ts`]: [
      `import { expect, it } from "vitest";`,
      `import { tool } from "./tool.ts";`,
      `it("answers what it was given", async () => {`,
      `  const { signal } = new AbortController();`,
      `  expect(await tool.execute({ value: ${round} }, { signal })).toEqual({ value: ${round} });`,
      `});`,
      ``,
    ].join("\n"),
    [`${directory}/examples.json`]: `${JSON.stringify(example)}\n`,
  };
}

function patchOf(files) {
  return Object.entries(files)
    .map(([path, text]) => {
      const lines = text.replace(/\n$/, "").split("\n");
      const header = `diff --git a/${path} b/${path}\nnew file mode 100644\n--- /dev/null\n+++ b/${path}\n`;
      return `${header}@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}`).join("\n")}\n`;
    })
    .join("");
}

/** The release that the kernel beside the launcher stands for. */
let first = null;

/**
 * What was promoted before is judged first, and the kernel moves to it: neither is any part of a
 * verdict, and both hold the next one up.
 */
async function untilNothingIsWatched() {
  for (;;) {
    const { kernel: running, body, baseline, base } = jarvis("status");
    if (body?.state === "running" && body.window === null && baseline === base.lastSeen) {
      first ??= baseline;
      if (!running.moving && (running.release?.sha ?? first) === baseline) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function throughPipeline(round) {
  const patch = patchOf(change(round));
  const started = performance.now();
  const result = JSON.parse(
    run(
      process.execPath,
      [cli, "propose", "--patch", "-", "--wait", "--json", "--state-dir", state],
      { input: patch },
    ),
  );
  const all = performance.now() - started;
  if (!["promoted", "watched"].includes(result.status))
    throw new Error(`round ${round}: ${result.status}: ${result.error}`);
  if (round === 0) return result;
  const { events } = jarvis("show", result.lifecycleRunId);
  const at = (type) => Date.parse(events.find((event) => event.type === type).createdAt);
  const [build, ...checks] = result.verificationDiagnostics;
  note("pipeline compile", build.durationMs);
  for (const stage of checks) note(`pipeline ${stage.name}`, stage.durationMs);
  note("pipeline tests and smoke", spanOf(checks));
  note("pipeline proposal to verdict", at("tested") - at("proposed"));
  note("pipeline promotion", at("promoted") - at("tested"));
  note("pipeline all (as the caller sees it)", all);
  return result;
}

/** From the first start to the last end: these stages run side by side. */
function spanOf(stages) {
  const starts = stages.map((stage) => Date.parse(stage.startedAt));
  const ends = stages.map((stage) => Date.parse(stage.endedAt));
  return Math.max(...ends) - Math.min(...starts);
}

function byHand(round) {
  const directory = join(scratch, `hand-${round}`);
  const started = performance.now();
  timed("hand set-up", () => {
    run("git", ["worktree", "add", "--detach", directory, "HEAD"]);
    for (const [path, text] of Object.entries(change(round))) {
      mkdirSync(join(directory, path, ".."), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    run(
      "npx",
      ["--yes", packageManager, "install", "--offline", "--frozen-lockfile", "--ignore-scripts"],
      { cwd: directory },
    );
  });
  timed("hand compile", () =>
    run("node", ["node_modules/typescript/bin/tsc", "-b"], { cwd: directory }),
  );
  timed("hand tests and smoke", () => {
    timed("hand tool-tests", () =>
      run("node", ["node_modules/vitest/vitest.mjs", "run", "--config", "vitest.gate.config.ts"], {
        cwd: join(directory, "packages/tools"),
      }),
    );
    timed("hand release-contract", () =>
      run("node", ["--test", "packages/tools/test/release-contract.test.mjs"], { cwd: directory }),
    );
    // As root the embedded database lies outside of its state directory; it stops by itself here.
    timed("hand smoke", () =>
      run("node", ["apps/agent/dist/agent.js", "--smoke"], { cwd: directory, input: "" }),
    );
  });
  note("hand proposal to verdict", performance.now() - started);
  run("git", ["worktree", "remove", "--force", directory]);
}

/** What a verification does of a change before its first stage: dependencies and workspace, nothing else. */
async function setUpAlone(round, { baseSha, treeSha }) {
  const mirror = await openMirror(join(state, "mirror.git"));
  const baseTree = run("git", [`--git-dir=${mirror.gitDir}`, "rev-parse", `${baseSha}^{tree}`]);
  const facts = {
    baseTree: baseTree.trim(),
    treeSha,
    config: await loadConfig(mirror, baseTree.trim()),
    approval: null,
    restored: new Set(),
  };
  // A tenth of a second beside a release that has just been started says little: the median of five.
  const taken = [];
  for (let turn = 0; turn < 5; turn += 1)
    taken.push(await setUpOnce(mirror, facts, `${round}-${turn}`));
  // The kernel has done it before: the first time is warming up.
  if (round > 0) note("pipeline set-up", median(taken));
}

async function setUpOnce(mirror, facts, name) {
  const own = join(scratch, `set-up-${name}`);
  const started = performance.now();
  const runtime = { env: {}, defaultPnpm: "" };
  const dependencies = await dependenciesOf(mirror, facts, join(state, "dependencies"), runtime);
  const workspaces = new Workspaces({
    mirror,
    baseTree: facts.baseTree,
    dependencies,
    scratch: own,
    keptDirectory: join(state, "files"),
  });
  await workspaces.shared(facts.treeSha, []);
  const took = performance.now() - started;
  rmSync(own, { recursive: true });
  return took;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function report() {
  const phases = [
    "set-up",
    "compile",
    "tests and smoke",
    "- tool-tests",
    "- release-contract",
    "- smoke",
    "proposal to verdict",
  ];
  const rows = phases.map((phase) => {
    const name = phase.replace(/^- /, "");
    const ours = median(samples.get(`pipeline ${name}`) ?? [NaN]);
    const hand = median(samples.get(`hand ${name}`) ?? [NaN]);
    return [phase, ours, hand, hand / ours];
  });
  process.stdout.write(`Medians of ${rounds} rounds, milliseconds\n\n`);
  process.stdout.write("phase                     pipeline   by hand   by hand : pipeline\n");
  for (const [phase, ours, hand, ratio] of rows) {
    process.stdout.write(
      `${phase.padEnd(24)} ${ours.toFixed(0).padStart(9)} ${hand.toFixed(0).padStart(9)} ${ratio.toFixed(1).padStart(12)}\n`,
    );
  }
  for (const name of ["promotion", "all (as the caller sees it)"]) {
    const value = median(samples.get(`pipeline ${name}`) ?? [NaN]);
    process.stdout.write(`${name.padEnd(24)} ${value.toFixed(0).padStart(6)}\n`);
  }
}

const kernel = spawn(process.execPath, [cli, "up", "--json", "--state-dir", state], {
  cwd: root,
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  await new Promise((resolve, reject) => {
    createInterface({ input: kernel.stdout }).once("line", resolve);
    kernel.once("close", () => reject(new Error("the kernel did not start")));
  });
  jarvis("mode", "execute", "--reason", "bench");
  // Round 0 fills what is made once per base: dependency tree, base build, inventory.
  await untilNothingIsWatched();
  await setUpAlone(0, throughPipeline(0));
  for (let round = 1; round <= rounds; round += 1) {
    await untilNothingIsWatched();
    await setUpAlone(round, throughPipeline(round));
    byHand(round);
    process.stderr.write(`round ${round} of ${rounds}\n`);
  }
  report();
} finally {
  kernel.kill("SIGTERM");
  await new Promise((resolve) => kernel.once("close", resolve));
  rmSync(scratch, { recursive: true, force: true });
}
