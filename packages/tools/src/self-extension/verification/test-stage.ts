import { posix } from "node:path";
import type { SandboxResult } from "@jarvis/sandbox";
import type { TestStage } from "../guard-config.ts";
import { matcher } from "../protected-paths.ts";
import type { StageDiagnostics } from "../run-result.ts";
import type { FailureCategory } from "../stage-words.ts";
import { controlTest, type ControlTest } from "./control-test.ts";
import {
  judgeControl,
  judgeRun,
  passedNames,
  type Inventory,
  type TestRun,
} from "./judge-tests.ts";
import { runTests, type TestTools } from "./run-tests.ts";
import { diagnose, type OutputDirectory, type StageWorld } from "./stage-world.ts";

export interface JudgedTestStage {
  readonly diagnostics: StageDiagnostics;
  /** What passed, for the next tree to be held against; null where the stage did not pass. */
  readonly inventory: Inventory | null;
}

/** What one test stage is judged by. */
export interface TestExam {
  readonly world: StageWorld;
  readonly outputs: readonly OutputDirectory[];
  /** The same tree and the same outputs in a workspace of its own, with one file more. */
  readonly worldWith: (file: ControlTest) => Promise<StageWorld>;
  readonly baseTestFiles: readonly string[];
  readonly changedModules: readonly string[];
  readonly inventory: Inventory;
}

/**
 * The exam of one test stage, in up to three invocations in the sandbox:
 * A: the base's test files must exit with 0 and run everything that passed on the base;
 * B: the same plus a generated must-fail test must exit non-zero with that very test failing;
 * C: the candidate's own new tests, once A has passed, which must exit with 0.
 * B runs beside A and C. What the candidate reports is a claim; the exit status of A and C and B's
 * failure are seen from outside.
 */
export async function judgeTestStage(
  stage: TestStage,
  facts: TestExam,
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
    changedModules: [...facts.changedModules, ...builtModules(facts.changedModules, facts.outputs)],
  });
  const runs: SandboxResult[] = [];
  const fail = (
    category: FailureCategory,
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
  const ownRuns = runOwnTests(stage, facts, { baseFiles, addedFiles }, tools);
  const controlRun = facts.worldWith(control).then(async (world) => {
    const files = [...controlBeside, control.path];
    return await runTests(stage, world, files, { ...tools, label: "control" });
  });
  // Where one of them throws, the other must not go on in a directory that is being removed.
  await Promise.allSettled([ownRuns, controlRun]);
  const own = await ownRuns;
  const controlled = await controlRun;
  const passed: string[] = [];
  if (own.base !== null) {
    runs.push(own.base.result);
    const failure = judgeRun(own.base, facts.inventory);
    if (failure !== null) return fail(failure.category, failure.reason, failure.failingTests);
    passed.push(...passedNames(own.base));
  }
  const silenced = judgeControl(controlled, control, stage.runner);
  if (silenced !== null) {
    runs.push(controlled.result);
    return fail(silenced.category, silenced.reason);
  }
  if (own.added !== null) {
    runs.push(own.added.result);
    const failure = judgeRun(own.added, []);
    if (failure !== null) return fail(failure.category, failure.reason, failure.failingTests);
    passed.push(...passedNames(own.added));
  }
  return {
    diagnostics: diagnose(stage, started, { status: "passed", results: runs }),
    inventory: passed.sort(),
  };
}

/** A and, where that passed, C: nothing the change adds has run when the base's tests are judged. */
async function runOwnTests(
  stage: TestStage,
  { world, inventory }: TestExam,
  files: { baseFiles: readonly string[]; addedFiles: readonly string[] },
  tools: TestTools,
): Promise<{ base: TestRun | null; added: TestRun | null }> {
  const { baseFiles, addedFiles } = files;
  const base =
    baseFiles.length === 0
      ? null
      : await runTests(stage, world, baseFiles, { ...tools, label: "base" });
  const isHeld = base === null || judgeRun(base, inventory) === null;
  const added =
    isHeld && addedFiles.length > 0
      ? await runTests(stage, world, addedFiles, { ...tools, label: "added" })
      : null;
  return { base, added };
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
