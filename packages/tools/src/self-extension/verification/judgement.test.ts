import type { OutputFile, SandboxEnding, SandboxResult } from "@jarvis/sandbox";
import { describe, expect, it } from "vitest";
import type { TestStage } from "../guard-config.ts";
import { controlTest } from "./control-test.ts";
import { releaseDigest } from "./release-digest.ts";
import { judgeAnswers } from "./smoke-stage.ts";
import { expandOutputs } from "./stage-world.ts";
import { parseNodeReport, parseVitestReport, type ReportedTest } from "./test-report.ts";
import { judgeControl, judgeRun, missingFrom } from "./judge-tests.ts";

describe("judgeRun", () => {
  const one: ReportedTest[] = [{ name: "a > works", status: "passed" }];

  it("passes where the runner ended with 0 and everything of the base ran", () => {
    expect(judgeRun({ result: ended(exit(0)), tests: one }, ["a > works"])).toBeNull();
  });

  it.each<[string, SandboxEnding, ReportedTest[] | null, string]>([
    ["a failing test", exit(1), [{ name: "a > works", status: "failed" }], "tests-failed"],
    ["another exit code, whatever the report says", exit(7), one, "tests-failed"],
    ["no report", exit(0), null, "verdict-not-trusted"],
    [
      "failures and exit 0",
      exit(0),
      [{ name: "a > works", status: "failed" }],
      "verdict-not-trusted",
    ],
    [
      "a skipped test of the base",
      exit(0),
      [{ name: "a > works", status: "skipped" }],
      "verdict-not-trusted",
    ],
    ["a missing test of the base", exit(0), [], "verdict-not-trusted"],
    ["a crash", { outcome: "signaled", signal: 11 }, one, "crashed"],
    ["a timeout", { outcome: "killed", reason: "wall-timeout" }, one, "wall-timeout"],
    ["the kill switch", { outcome: "killed", reason: "aborted" }, one, "aborted"],
    [
      "no exit status",
      { outcome: "sandbox-error", message: "bwrap is gone" },
      one,
      "infrastructure",
    ],
  ])("says no to %s", (_, ending, tests, category) => {
    expect(judgeRun({ result: ended(ending), tests }, ["a > works"])).toMatchObject({ category });
  });

  it("wants two passes of two tests that share a name", () => {
    expect(missingFrom(["a", "a", "b"], ["a", "b"])).toEqual(["a"]);
    expect(missingFrom(["a", "a", "b"], ["a", "b", "a", "c"])).toEqual([]);
  });
});

describe("judgeControl", () => {
  const control = { name: "control 1234", path: "x.test.js", content: "" };
  const failing: ReportedTest[] = [{ name: "x.test.js > control 1234", status: "failed" }];

  it("is content where the runner failed and named the control", () => {
    expect(
      judgeControl({ result: ended(exit(1)), tests: failing }, control, "node-test"),
    ).toBeNull();
    const printed = { ...ended(exit(1)), stdout: "not ok control 1234" };
    expect(judgeControl({ result: printed, tests: [] }, control, "custom")).toBeNull();
  });

  it.each<[string, SandboxEnding, ReportedTest[] | null, string]>([
    ["ended with 0", exit(0), failing, "verdict-not-trusted"],
    [
      "failed for something else",
      exit(1),
      [{ name: "other", status: "failed" }],
      "verdict-not-trusted",
    ],
    [
      "called the control passed",
      exit(1),
      [{ name: "x > control 1234", status: "passed" }],
      "verdict-not-trusted",
    ],
    ["left no report", exit(1), null, "verdict-not-trusted"],
    ["left an empty report", exit(1), [], "verdict-not-trusted"],
    ["did not end", { outcome: "killed", reason: "wall-timeout" }, null, "wall-timeout"],
    ["was not run", { outcome: "sandbox-error", message: "no" }, null, "infrastructure"],
  ])("does not believe a runner that %s", (_, ending, tests, category) => {
    // What a program prints is no report: candidate code can read the control's name.
    const result = { ...ended(ending), stdout: "control 1234 failed" };
    expect(judgeControl({ result, tests }, control, "vitest")).toMatchObject({ category });
  });
});

describe("controlTest", () => {
  it("lies beside the tests, ends like them and loads the changed modules first", () => {
    const control = controlTest(testStage("vitest"), {
      testFiles: ["src/a/a.spec.mts"],
      changedModules: ["src/b/b.ts", "docs/x.md"],
    });
    expect(control?.path).toMatch(/^src\/a\/[0-9a-f]{12}\.spec\.mts$/);
    expect(control?.content).toContain('import("../b/b.ts")');
    expect(control?.content).not.toContain("x.md");
    expect(control?.content).toContain(control?.name);
  });

  it("has a name that nobody can know beforehand", () => {
    const facts = { testFiles: ["a.test.js"], changedModules: [] };
    const names = Array.from({ length: 5 }, () => controlTest(testStage("node-test"), facts)?.name);
    expect(new Set(names).size).toBe(5);
  });

  it("cannot be written for a custom runner that declares none", () => {
    const facts = { testFiles: ["a.sh"], changedModules: ["lib.sh"] };
    expect(controlTest(testStage("custom"), facts)).toBeNull();
    const declared = {
      ...testStage("custom"),
      control: { path: "t/{name}.sh", content: "{imports}\nfail {name}" },
    };
    expect(controlTest(declared, facts)?.content).toMatch(/^lib\.sh\nfail control [0-9a-f]{24}$/);
  });
});

describe("reports", () => {
  it("reads what node:test says, and nothing where a line is not its own", () => {
    const line = (more: object) =>
      JSON.stringify({
        type: "test:pass",
        name: "n",
        file: "/ws/a.test.js",
        nesting: 0,
        skip: false,
        kind: "test",
        ...more,
      });
    const text = [line({}), line({ skip: true }), line({ type: "test:fail" }), ""].join("\n");
    expect(parseNodeReport(text)?.map(({ status }) => status)).toEqual([
      "passed",
      "skipped",
      "failed",
    ]);
    expect(parseNodeReport(line({ kind: "suite" }))).toEqual([]);
    expect(parseNodeReport(`${line({})}\nforged`)).toBeNull();
    expect(parseNodeReport(line({ type: "test:maybe" }))).toBeNull();
  });

  it("reads what vitest says; a file without tests that did not pass has failed", () => {
    const file = (status: string, assertionResults: object[]) => ({
      name: "/ws/src/a.test.ts",
      status,
      assertionResults,
    });
    const report = {
      testResults: [
        file("passed", [
          { fullName: "a works", status: "passed" },
          { fullName: "a waits", status: "todo" },
        ]),
        file("failed", []),
        file("passed", []),
      ],
    };
    expect(parseVitestReport(JSON.stringify(report))).toEqual([
      { name: "src/a.test.ts > a works", status: "passed" },
      { name: "src/a.test.ts > a waits", status: "skipped" },
      { name: "src/a.test.ts", status: "failed" },
    ]);
    expect(parseVitestReport("{")).toBeNull();
    expect(parseVitestReport(`{"testResults":[{}]}`)).toBeNull();
  });
});

describe("judgeAnswers", () => {
  const expected = [
    { id: 1, tool: "add", input: { a: 1 }, output: 3, error: undefined },
    { id: 2, tool: "add", input: {}, output: undefined, error: "cannot read" },
  ];
  const good = [
    { type: "ready", tools: ["add"] },
    { type: "result", id: 1, output: 3 },
    { type: "result", id: 2, error: "add cannot read its input" },
    { type: "stopped" },
  ];
  const say = (lines: readonly object[]) => lines.map((line) => JSON.stringify(line)).join("\n");

  it("is content with the declared answers", () => {
    expect(judgeAnswers(say(good), expected)).toBeNull();
  });

  it.each<[string, string, string]>([
    ["silence", "", "did not say that it is ready"],
    ["chatter", `hello\n${say(good)}`, "no answer"],
    ["a tool that is not there", say(good).replace('["add"]', "[]"), "did not register"],
    [
      "an answer too deep to be compared or shown",
      say(good).replace('"output":3', `"output":${"[".repeat(50_000)}${"]".repeat(50_000)}`),
      "no answer",
    ],
    ["a wrong answer", say(good).replace('"output":3', '"output":4'), "expected 3"],
    ["an answer twice", say([...good.slice(0, 2), ...good.slice(1)]), "answered twice"],
    ["no answer", say([...good.slice(0, 2), ...good.slice(3)]), "was not answered"],
    ["an answer where it had to refuse", say(good).replace('"error":', '"output":'), "refuse"],
    [
      "a refusal where it had to answer",
      say(good).replace('"output":', '"error":"e","x":'),
      "error",
    ],
    ["an end without order", say(good.slice(0, -1)), "did not stop"],
    ["words after the end", say([...good, { type: "ready", tools: [] }]), "did not stop"],
  ])("says no to %s", (_, stdout, words) => {
    expect(judgeAnswers(stdout, expected)?.reason).toContain(words);
  });
});

describe("releaseDigest", () => {
  const file: OutputFile = { path: "dist/a.js", mode: "100644", size: 1, sha256: "a".repeat(64) };
  const facts = {
    treeSha: "1".repeat(40),
    lockfileDigest: null,
    nodeVersion: "v20.0.0",
    files: [file, { ...file, path: "dist/b.js" }],
  };

  it("is the same for the same files in another order", () => {
    const reversed = { ...facts, files: facts.files.toReversed() };
    expect(releaseDigest(reversed)).toBe(releaseDigest(facts));
  });

  it.each<[string, object]>([
    ["another tree", { treeSha: "2".repeat(40) }],
    ["another lockfile", { lockfileDigest: `sha256:${"b".repeat(64)}` }],
    ["another Node", { nodeVersion: "v22.0.0" }],
    ["another byte", { files: [{ ...file, sha256: "b".repeat(64) }, facts.files[1]] }],
    ["another mode", { files: [{ ...file, mode: "100755" }, facts.files[1]] }],
    ["another name", { files: [{ ...file, path: "dist/c.js" }, facts.files[1]] }],
    ["a file less", { files: [file] }],
  ])("is another one for %s", (_, change) => {
    expect(releaseDigest({ ...facts, ...change })).not.toBe(releaseDigest(facts));
  });
});

describe("expandOutputs", () => {
  it("makes the last segment where the rest exists", () => {
    const paths = ["packages/a/src/x.ts", "packages/b/package.json", "README.md"];
    expect(expandOutputs(["packages/*/dist", "build"], paths)).toEqual([
      "build",
      "packages/a/dist",
      "packages/b/dist",
    ]);
    expect(expandOutputs(["nowhere/dist"], paths)).toEqual([]);
  });
});

function testStage(runner: TestStage["runner"]): TestStage {
  return { kind: "test", name: "tests", runner, argv: ["node", "--test"], tests: ["**/*.test.js"] };
}

function exit(exitCode: number): SandboxEnding {
  return { outcome: "exited", exitCode };
}

function ended(ending: SandboxEnding): SandboxResult {
  return {
    stdout: "",
    stderr: "",
    truncated: false,
    durationMs: 1,
    tier: "bubblewrap",
    version: "0.8.0",
    peakMemoryBytes: 0,
    ...ending,
  };
}
