import { readdirSync, readFileSync } from "node:fs";
import { putBlob } from "@jarvis/db";
import type { SandboxEnding } from "@jarvis/sandbox";
import { afterEach, describe, expect, it } from "vitest";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";
import { appendSelfExtensionEvent } from "./lifecycle-events.ts";
import { pipelineSteps } from "./pipeline.ts";
import { setPromotionControlState } from "./promotion-control.ts";
import { readRunResult } from "./runs.ts";
import { loadVerified } from "./verification.ts";

let world: TestWorld;
let repository: TestRepository;

afterEach(async () => {
  await world.close();
  repository.remove();
});

describe("a hostile candidate is not believed", () => {
  it.each([
    [
      "skips a test of the base",
      "export const add = (a, b) => a + b;\nexport const skip = true;\n",
      "verdict-not-trusted",
    ],
    [
      "ends with 0 before a test ran",
      "process.exit(0);\nexport const add = 1;\n",
      "verdict-not-trusted",
    ],
    ["turns failures into passes", silencer(), "verdict-not-trusted"],
    [
      "ends the process with 0 after a failure",
      "export const add = () => 0;\nprocess.on('exit', () => { process.exitCode = 0; });\n",
      "isolated-verification-failed",
    ],
  ])("that %s", async (_, source, reason) => {
    await open(
      plainProject({
        "test/skip.test.js": [
          `import test from "node:test";`,
          `import * as add from "../src/add.js";`,
          `test("can be skipped", { skip: add.skip === true }, () => {});`,
        ].join("\n"),
      }),
    );
    const run = await world.propose(repository.patch({ "src/add.js": source }));
    expect(run.result).toMatchObject({ status: "blocked", verificationOverallStatus: "failed" });
    expect(["verdict-not-trusted", "isolated-verification-failed"]).toContain(
      run.result.blockReasons[0],
    );
    if (reason === "verdict-not-trusted") expect(run.result.blockReasons).toEqual([reason]);
    expect(world.mutations()).toEqual([]);
  });

  it("that adds a test which fails: the test is named", async () => {
    await open(plainProject());
    const test = `import test from "node:test";\ntest("is wrong", () => { throw new Error("no"); });\n`;
    const run = await world.propose(repository.patch({ "test/new.test.js": test }));
    expect(run.result.blockReasons).toEqual(["isolated-verification-failed"]);
    expect(run.result.verificationDiagnostics[0]?.failingTests).toEqual([
      "test/new.test.js > is wrong",
    ]);
  });

  it("that hangs: it is killed in time, and what it started does not survive", async () => {
    await open(plainProject({ "jarvis.config.json": testsWithin(3000) }));
    const marker = "86399.125";
    const hanging = [
      `import { spawn } from "node:child_process";`,
      `spawn("sleep", ["${marker}"], { detached: true, stdio: "ignore" }).unref();`,
      `await new Promise((resolve) => setTimeout(resolve, 600_000));`,
      `export const add = 1;`,
    ].join("\n");
    const run = await world.propose(repository.patch({ "src/add.js": hanging }));
    expect(run.result).toMatchObject({
      blockReasons: ["isolated-verification-failed"],
      verificationFailureCategory: "wall-timeout",
    });
    expect(commandLines().filter((line) => line.includes(marker))).toEqual([]);
  });
});

describe("a build", () => {
  it("is named by what came out: the same for the same bytes, and read-only from then on", async () => {
    await open(plainProject(buildingProject()));
    const change = {
      "src/sub.js": "export const sub = (a, b) => a - b;\n",
      "test/sub.test.js": [
        `import assert from "node:assert/strict";`,
        `import { readFileSync, writeFileSync } from "node:fs";`,
        `import test from "node:test";`,
        `test("finds the build and cannot change it", () => {`,
        `  assert.equal(readFileSync("dist/out.txt", "utf8"), "built");`,
        `  assert.throws(() => writeFileSync("dist/out.txt", "changed"), { code: "EROFS" });`,
        `  assert.throws(() => writeFileSync("dist/new.txt", "new"), { code: "EROFS" });`,
        `});`,
      ].join("\n"),
    };
    const patch = repository.patch(change);
    await setPromotionControlState(world.db, { paused: true, reason: "x", updatedBy: "anna" });
    const first = await world.propose(patch);
    const second = await world.propose(patch);
    expect(first.result).toMatchObject({ blockReasons: ["promotion-paused"] });
    expect(first.result.releaseDigest).toMatch(/^sha256:/);
    expect(second.result.releaseDigest).toBe(first.result.releaseDigest);
    expect(second.result.verificationDiagnostics.map(({ status }) => status)).toEqual([
      "passed",
      "passed",
    ]);
  });

  it.each<[string, Record<string, string>]>([
    [
      "leaves a symbolic link",
      { "build.js": `import fs from "node:fs"; fs.symlinkSync("/etc/passwd", "dist/out.txt");` },
    ],
    ["finds a file in the place of its output", { dist: "a file" }],
  ])("is refused where it %s", async (_, files) => {
    await open(plainProject(buildingProject()));
    const run = await world.propose(repository.patch(files));
    expect(run.result).toMatchObject({
      blockReasons: ["isolated-verification-failed"],
      verificationFailedStage: "build",
      verificationFailureCategory: "output-refused",
      releaseDigest: null,
    });
    expect(run.result.verificationDiagnostics.map(({ status }) => status)).toEqual([
      "failed",
      "not-run",
    ]);
  });
});

describe("no verdict is never a verdict", () => {
  it("parks where there is no sandbox: nothing of the change is executed", async () => {
    await open(plainProject());
    let executed = 0;
    const steps = pipelineSteps(() => ({
      ...world,
      checkSandbox: async () => ({
        available: false,
        reason: "sandbox-unavailable",
        message: "Install bubblewrap.",
      }),
      run: async (request) => {
        executed += 1;
        return await world.run(request);
      },
    }));
    const runId = await world.submit(repository.patch(goodChange));
    const { stagedSha } = await steps.stage(runId, 1);
    expect(await steps.verify(runId, stagedSha ?? "")).toEqual({ passed: false });
    expect(executed).toBe(0);
    expect(await readRunResult(world.db, runId)).toMatchObject({
      status: "parked",
      blockReasons: ["sandbox-unavailable"],
      error: "Install bubblewrap.",
    });
    expect((await world.attempt(runId, 2)).result.success).toBe(true);
  });

  it("fails the run and blames no change where the sandbox gave no exit status", async () => {
    await openBroken({ outcome: "sandbox-error", message: "no status descriptor" });
    const run = await world.propose(repository.patch(goodChange));
    expect(run.result).toMatchObject({
      status: "failed",
      promotionBlocked: false,
      blockReasons: [],
      verificationOverallStatus: "error",
      verificationFailureCategory: "infrastructure",
    });
    expect(run.result.error).toContain("no status descriptor");
    expect(world.mutations()).toEqual([]);
  });

  it("says that it was the kill switch where the base's own tests were killed by it", async () => {
    await openBroken({ outcome: "killed", reason: "aborted" });
    const run = await world.propose(repository.patch(goodChange));
    expect(run.result.blockReasons).toEqual(["kill-switch-active"]);
  });

  it("says so where the base's own tests do not pass", async () => {
    await open(
      plainProject({ "test/red.test.js": `throw new Error("red from the beginning");\n` }),
    );
    const run = await world.propose(repository.patch(goodChange));
    expect(run.result.blockReasons).toEqual(["verdict-not-trusted"]);
    expect(run.result.verificationFailureReason).toContain("the base's own tests do not pass");
  });
});

describe("loadVerified", () => {
  it("makes nothing verified of evidence that speaks of another run, tree or nothing", async () => {
    await open(plainProject());
    await setPromotionControlState(world.db, { paused: true, reason: "x", updatedBy: "anna" });
    const honest = await world.propose(repository.patch(goodChange));
    const { stagedSha } = honest.state;
    await expect(loadVerified(world, honest.state.runId, stagedSha ?? "")).resolves.toMatchObject({
      evidence: { verdict: "passed" },
    });
    const runId = await world.submit(
      repository.patch({ "src/add.js": "export const add = () => 0;\n" }),
    );
    const staged = await world.steps.stage(runId, 1);
    const load = async () => await loadVerified(world, runId, staged.stagedSha ?? "");
    await expect(load()).rejects.toMatchObject({ code: "evidence-mismatch" });
    const tested = honest.events.find(({ type }) => type === "tested");
    const proposed = (await readRunResult(world.db, runId)) ?? honest.result;
    if (tested?.type !== "tested") throw new Error("not tested");
    // Evidence of another version, with a word that this one does not know.
    const { evidence } = await loadVerified(world, honest.state.runId, stagedSha ?? "");
    const later = { ...evidence, sandbox: { tier: "a-later-tier", version: "9" } };
    const bytes = Buffer.from(JSON.stringify(later));
    const evidenceDigest = await putBlob(world.db, bytes, "application/json");
    await appendSelfExtensionEvent(world.db, {
      context: tested.context,
      type: "tested",
      stage: "verify",
      idempotencyKey: "later",
      payload: { ...tested.payload, evidenceDigest },
    });
    await expect(loadVerified(world, honest.state.runId, stagedSha ?? "")).rejects.toMatchObject({
      code: "evidence-mismatch",
      message: expect.stringContaining("does not know"),
    });
    // A forged verdict that borrows the evidence of a change which passed.
    await appendSelfExtensionEvent(world.db, {
      context: { ...tested.context, runId },
      type: "tested",
      stage: "verify",
      idempotencyKey: "forged",
      payload: { ...tested.payload, treeSha: proposed.treeSha ?? "", baseSha: proposed.baseSha },
    });
    await expect(load()).rejects.toMatchObject({ code: "evidence-mismatch" });
    await expect(world.steps.promote(runId, staged.stagedSha ?? "", 1)).rejects.toThrow("evidence");
    expect(world.mutations()).toEqual([]);
  });
});

const goodChange = { "src/subtract.js": "export const subtract = (a, b) => a - b;\n" };

async function open(project: TestRepository): Promise<void> {
  repository = project;
  world = await makeTestWorld(repository);
}

/** A sandbox that always ends in the same way. */
async function openBroken(ending: SandboxEnding): Promise<void> {
  repository = plainProject();
  world = await makeTestWorld(repository, {
    run: async () => ({
      stdout: "",
      stderr: "",
      truncated: false,
      durationMs: 1,
      tier: "bubblewrap",
      version: "0.8.0",
      peakMemoryBytes: 0,
      ...ending,
    }),
  });
}

/** Rewrites what a test file's process reports to its parent, as `examples/changes` does. */
function silencer(): string {
  return [
    `import { DefaultSerializer } from "node:v8";`,
    `const { prototype } = DefaultSerializer;`,
    `const write = prototype.writeValue;`,
    `prototype.writeValue = function (item) {`,
    `  if (item?.type === "test:fail") {`,
    `    item.type = "test:pass";`,
    `    delete item.data?.details?.error;`,
    `  }`,
    `  if (item?.type === "test:summary") item.data.success = true;`,
    `  return write.call(this, item);`,
    `};`,
    `process.on("exit", () => { process.exitCode = 0; });`,
    `export const add = () => 0;`,
  ].join("\n");
}

function testsWithin(wallMs: number): string {
  return JSON.stringify({
    version: 1,
    dependencies: { manager: "none" },
    stages: [
      {
        kind: "test",
        name: "tests",
        runner: "node-test",
        argv: ["node", "--test"],
        tests: ["test/*.test.js"],
        limits: { wallMs },
      },
    ],
  });
}

function buildingProject(): Record<string, string> {
  return {
    "build.js": `import fs from "node:fs"; fs.writeFileSync("dist/out.txt", "built");\n`,
    "jarvis.config.json": JSON.stringify({
      version: 1,
      dependencies: { manager: "none" },
      stages: [
        { kind: "build", name: "build", argv: ["node", "build.js"], outputs: ["dist"] },
        {
          kind: "test",
          name: "tests",
          runner: "node-test",
          argv: ["node", "--test"],
          tests: ["test/*.test.js"],
        },
      ],
    }),
  };
}

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return "";
      }
    });
}
