import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  readOutputFile,
  SandboxError,
  type SandboxMount,
  type SandboxResult,
} from "@jarvis/sandbox";
import type { TestStage } from "../guard-config.ts";
import { definedLimits } from "./build-stage.ts";
import type { TestRun } from "./judge-tests.ts";
import type { RunInSandbox, StageWorld } from "./stage-world.ts";
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
    // Of this run alone: one beside it that wrote the same file could be read half written here.
    const reporter = join(tools.scratch, `reporter-${tools.label}.mjs`);
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
