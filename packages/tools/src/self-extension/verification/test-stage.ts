import { mkdir, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import {
  readOutputFile,
  SandboxError,
  type SandboxMount,
  type SandboxResult,
} from "@jarvis/sandbox";
import type { TestStage } from "../guard-config.ts";
import { matcher } from "../protected-paths.ts";
import type { StageDiagnostics } from "../run-result.ts";
import { definedLimits } from "./build-stage.ts";
import { controlTest, type ControlTest } from "./control-test.ts";
import {
  judgeControl,
  judgeRun,
  passedNames,
  type Inventory,
  type TestRun,
} from "./judge-tests.ts";
import {
  diagnose,
  makeWorld,
  type OutputDirectory,
  type RunInSandbox,
  type StageWorld,
  type WorldOptions,
} from "./stage-world.ts";
import {
  NODE_TEST_REPORTER,
  parseNodeReport,
  parseVitestReport,
  type ReportedTest,
} from "./test-report.ts";

const REPORT_LIMIT = 32 * 2 ** 20;

export interface TestTools {
  readonly run: RunInSandbox;
  readonly signal: AbortSignal;
  /** A directory of this stage's own, for reports and a second workspace. */
  readonly scratch: string;
}

/** Runs the given test files of a tree once and reads the report from outside. */
export async function runTests(
  stage: TestStage,
  world: StageWorld,
  testFiles: readonly string[],
  tools: TestTools & { label: string },
): Promise<TestRun> {
  const out = join(tools.scratch, `out-${tools.label}`);
  await mkdir(out, { recursive: true });
  const mounts: SandboxMount[] = [...world.mounts, { kind: "rw", source: out, target: "/out" }];
  const prefix = stage.cwd === undefined ? "" : `${stage.cwd}/`;
  const files = testFiles.map((file) => {
    const argument = file.startsWith(prefix) ? file.slice(prefix.length) : `/ws/${file}`;
    // A candidate names its files: one that begins with a dash would be an option of the runner.
    return argument.startsWith("-") ? `./${argument}` : argument;
  });
  const argv = [...stage.argv];
  if (stage.runner === "vitest") {
    argv.push("--reporter=json", "--outputFile.json=/out/report", "--reporter=default", ...files);
  } else if (stage.runner === "node-test") {
    const reporter = join(tools.scratch, "reporter.mjs");
    await writeFile(reporter, NODE_TEST_REPORTER, { mode: 0o644 });
    mounts.push({ kind: "ro", source: reporter, target: "/opt/reporter.mjs" });
    argv.push(
      "--test-reporter=/opt/reporter.mjs",
      "--test-reporter-destination=/out/report",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      ...files,
    );
  } else {
    argv.push(...files);
  }
  const result = await tools.run({
    argv,
    workspace: world.directory,
    cwd: stage.cwd === undefined ? "/ws" : `/ws/${stage.cwd}`,
    mounts,
    ...(stage.limits === undefined ? {} : { limits: definedLimits(stage.limits) }),
    signal: tools.signal,
  });
  return { result, tests: await readReport(stage, out, result) };
}

async function readReport(
  stage: TestStage,
  out: string,
  result: SandboxResult,
): Promise<ReportedTest[] | null> {
  if (stage.runner === "custom") {
    return result.outcome === "exited" ? [] : null;
  }
  try {
    const text = (await readOutputFile(out, "report", REPORT_LIMIT)).toString("utf8");
    return stage.runner === "vitest" ? parseVitestReport(text) : parseNodeReport(text);
  } catch (error) {
    if (error instanceof SandboxError) return null;
    throw error;
  }
}

export interface JudgedTestStage {
  readonly diagnostics: StageDiagnostics;
  /** What passed, for the next tree to be held against; null where the stage did not pass. */
  readonly inventory: Inventory | null;
}

/**
 * The exam of one test stage, in up to three invocations in the sandbox:
 * A: the base's test files must exit with 0 and run everything that passed on the base;
 * B: the same plus a generated must-fail test must exit non-zero with that very test failing;
 * C: the candidate's own new tests, which must exit with 0.
 * A and B run side by side. What the candidate reports is a claim; A's exit status and B's failure
 * are seen from outside.
 */
export async function judgeTestStage(
  stage: TestStage,
  facts: {
    worldOptions: Omit<WorldOptions, "directory" | "extraFiles">;
    world: StageWorld;
    baseTestFiles: readonly string[];
    changedModules: readonly string[];
    inventory: Inventory;
  },
  tools: TestTools,
): Promise<JudgedTestStage> {
  const started = new Date();
  const isTest = matcher(stage.tests);
  const present = new Set(facts.world.paths);
  const baseFiles = facts.baseTestFiles.filter((path) => present.has(path));
  const baseSet = new Set(facts.baseTestFiles);
  const addedFiles = facts.world.paths.filter((path) => isTest(path) && !baseSet.has(path));
  const controlBeside = baseFiles.length > 0 ? baseFiles : addedFiles;
  const control = controlTest(stage, {
    testFiles: controlBeside,
    changedModules: [
      ...facts.changedModules,
      ...builtModules(facts.changedModules, facts.worldOptions.outputs),
    ],
  });
  const runs: SandboxResult[] = [];
  const fail = (
    category: string,
    reason: string,
    failingTests: readonly string[] = [],
  ): JudgedTestStage => ({
    diagnostics: diagnose(stage, started, {
      status: category === "infrastructure" ? "error" : "failed",
      category,
      reason,
      results: runs,
      failingTests,
    }),
    inventory: null,
  });
  if (controlBeside.length === 0) {
    return fail("no-tests", "this stage has no test files, so nothing was tested");
  }
  if (control === null) {
    return fail(
      "verdict-not-trusted",
      "no control test can be written for this runner; declare `control`",
    );
  }
  const [base, controlled] = await Promise.all([
    baseFiles.length === 0
      ? Promise.resolve(null)
      : runTests(stage, facts.world, baseFiles, { ...tools, label: "base" }),
    runControl(stage, control, facts, controlBeside, tools),
  ]);
  const passed: string[] = [];
  if (base !== null) {
    runs.push(base.result);
    const failure = judgeRun(base, facts.inventory);
    if (failure !== null) return fail(failure.category, failure.reason, failure.failingTests);
    passed.push(...passedNames(base));
  }
  const silenced = judgeControl(controlled, control, stage.runner);
  if (silenced !== null) {
    runs.push(controlled.result);
    return fail(silenced.category, silenced.reason);
  }
  if (addedFiles.length > 0) {
    const added = await runTests(stage, facts.world, addedFiles, { ...tools, label: "added" });
    runs.push(added.result);
    const failure = judgeRun(added, []);
    if (failure !== null) return fail(failure.category, failure.reason, failure.failingTests);
    passed.push(...passedNames(added));
  }
  return {
    diagnostics: diagnose(stage, started, { status: "passed", results: runs }),
    inventory: passed.sort(),
  };
}

async function runControl(
  stage: TestStage,
  control: ControlTest,
  facts: { worldOptions: Omit<WorldOptions, "directory" | "extraFiles"> },
  testFiles: readonly string[],
  tools: TestTools,
): Promise<TestRun> {
  const world = await makeWorld({
    ...facts.worldOptions,
    directory: join(tools.scratch, "ws-control"),
    extraFiles: [control],
  });
  return await runTests(stage, world, [...testFiles, control.path], { ...tools, label: "control" });
}

/** Where a build puts a changed source: tests of built output load that, so the control has to as well. */
function builtModules(changed: readonly string[], outputs: readonly OutputDirectory[]): string[] {
  return outputs.flatMap(({ path: output }) => {
    const parent = posix.dirname(output) === "." ? "" : `${posix.dirname(output)}/`;
    return changed
      .filter((path) => path.startsWith(`${parent}src/`))
      .map((path) => {
        const built = path.slice(`${parent}src/`.length).replace(/\.([mc]?)tsx?$/, ".$1js");
        return `${output}/${built}`;
      });
  });
}
