import type { SandboxResult } from "@jarvis/sandbox";
import type { TestStage } from "../guard-config.ts";
import type { StageFailure } from "../stage-words.ts";
import type { ControlTest } from "./control-test.ts";
import { failureOf } from "./stage-world.ts";
import type { ReportedTest } from "./test-report.ts";

/** The tests of a tree that passed; a later tree has to run and pass every one of them. */
export type Inventory = readonly string[];

export interface TestRun {
  readonly result: SandboxResult;
  /** Null where the program left no report that can be read. */
  readonly tests: readonly ReportedTest[] | null;
}

interface RunFailure extends StageFailure {
  readonly failingTests: readonly string[];
}

export function judgeRun(run: TestRun, inventory: Inventory): RunFailure | null {
  const failing = (run.tests ?? [])
    .filter((test) => test.status === "failed")
    .map((test) => test.name);
  const failure = failureOf(run.result);
  if (failure !== null) {
    const named =
      failing.length === 0
        ? failure.reason
        : `${failing.length} test(s) failed: ${failing.slice(0, 5).join("; ")}`;
    const category = failure.category === "exit-code" ? "tests-failed" : failure.category;
    return { category, reason: named, failingTests: failing };
  }
  if (run.tests === null) {
    return {
      category: "verdict-not-trusted",
      reason: "the runner ended with 0 but left no report that can be read",
      failingTests: [],
    };
  }
  if (failing.length > 0) {
    return {
      category: "verdict-not-trusted",
      reason: `the runner ended with 0 and reported failures: ${failing.slice(0, 5).join("; ")}`,
      failingTests: failing,
    };
  }
  const missing = missingFrom(inventory, passedNames(run));
  return missing.length === 0
    ? null
    : {
        category: "verdict-not-trusted",
        reason: `${missing.length} test(s) that passed on the base did not run: ${missing.slice(0, 5).join("; ")}`,
        failingTests: missing,
      };
}

/** What of the inventory did not pass, counted: of two tests of one name, both have to. */
export function missingFrom(inventory: Inventory, passed: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const name of passed) left.set(name, (left.get(name) ?? 0) + 1);
  return inventory.filter((name) => {
    const count = left.get(name) ?? 0;
    left.set(name, count - 1);
    return count <= 0;
  });
}

/** Null where the control failed as it must; otherwise why this run's verdict cannot be believed. */
export function judgeControl(
  run: TestRun,
  control: ControlTest,
  runner: TestStage["runner"],
): StageFailure | null {
  if (run.result.outcome === "sandbox-error") {
    return {
      category: "infrastructure",
      reason: `the sandbox gave no verdict: ${run.result.message}`,
    };
  }
  if (run.result.outcome !== "exited") {
    const failure = failureOf(run.result);
    return {
      category: failure?.category ?? "verdict-not-trusted",
      reason: `with the control test ${failure?.reason ?? "the run did not end"}`,
    };
  }
  if (run.result.exitCode === 0) {
    return {
      category: "verdict-not-trusted",
      reason:
        "a control test that must fail was run with the tests, and the runner still ended with 0",
    };
  }
  // What a program prints counts only where its runner is known to write no report.
  const named =
    runner === "custom"
      ? run.result.stdout.includes(control.name)
      : (run.tests ?? []).some(
          (test) => test.status === "failed" && test.name.includes(control.name),
        );
  return named
    ? null
    : {
        category: "verdict-not-trusted",
        reason: "the control test that must fail was not reported as failing",
      };
}

export function passedNames(run: TestRun): string[] {
  return (run.tests ?? []).filter((test) => test.status === "passed").map((test) => test.name);
}
