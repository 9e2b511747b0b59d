// npm test: sets everything up and runs every check. The last line is the totals of the tests.
import { readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { makeScratch } from "./scratch.mjs";
import { environment, needProgram, pnpm, run, runSideBySide, setUp } from "./setup.mjs";

if (process.platform === "linux") {
  const others = ["chromium-browser", "google-chrome"];
  needProgram("chromium", "chromium", "the browser in which the page is tested", others);
}
setUp();

const checks = {
  format: [...pnpm, "run", "format:check"],
  lint: [...pnpm, "run", "lint"],
  "types of tests": [...pnpm, "exec", "turbo", "run", "typecheck", "--output-logs=errors-only"],
  "types of repository tests": [...pnpm, "exec", "tsc", "-p", "test/tsconfig.json"],
  "schema drift": [...pnpm, "exec", "turbo", "run", "schema:check", "--output-logs=errors-only"],
  "unused code": [...pnpm, "run", "unused"],
  "release contract": ["node", "--test", "packages/tools/test/release-contract.test.mjs"],
};

const failed = [];
// None waits for another's result, and the long ones use one core most of the time.
const results = runSideBySide(Object.values(checks), availableParallelism());
for (const [index, name] of Object.keys(checks).entries()) {
  process.stdout.write(`\n== ${name}\n`);
  const { status, output } = await results[index];
  process.stdout.write(output);
  if (status !== 0) failed.push(name);
}

process.stdout.write("\n== tests\n");
const scratch = makeScratch();
// The tests are told by the terminal as well and end by themselves; the scratch is removed after them.
process.once("SIGINT", () => undefined);
const report = join(scratch, "report.json");
const vitest = [
  ...pnpm,
  "exec",
  "vitest",
  "run",
  // Half of the time goes by in git, the sandbox and the database, so two workers would leave two cores idle.
  "--maxWorkers=4",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
];
const status = run(vitest, { env: { ...environment, TMPDIR: scratch } });
if (status !== 0) failed.push("tests");
const totals = readTotals(report);
rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });

if (failed.length > 0) process.stdout.write(`\nFailed: ${failed.join(", ")}\n`);
process.stdout.write(
  `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
);
process.exit(failed.length === 0 ? 0 : 1);

function readTotals(path) {
  try {
    const parsed = JSON.parse(readFileSync(path, "utf8"));
    const broken = parsed.testResults.filter(
      (file) => file.status === "failed" && file.assertionResults.length === 0,
    ).length;
    return {
      passed: parsed.numPassedTests,
      // A file that could not be loaded holds no test and is a failure all the same.
      failed: parsed.numFailedTests + broken,
      skipped: parsed.numPendingTests + parsed.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
