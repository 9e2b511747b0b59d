import { describe, expect, it } from "vitest";
import type { GuardConfig, Stage, TestStage } from "../guard-config.ts";
import { neededStages, stageGroups } from "./stage-order.ts";

describe("neededStages", () => {
  const config: GuardConfig = {
    version: 1,
    dependencies: { manager: "none" },
    stages: [
      { kind: "check", name: "types", argv: ["true"] },
      { ...testStage("a"), when: ["a/**"] },
      { ...testStage("b"), when: ["b/**"] },
      { kind: "migration", name: "way-back", argv: ["true"], when: ["migrations/**"] },
    ],
  };

  it.each([
    [["a/x.js"], ["types", "a"]],
    [
      ["a/x.js", "b/y.js"],
      ["types", "a", "b"],
    ],
    [
      ["a/x.js", "migrations/1.sql"],
      ["types", "a", "way-back"],
    ],
    // No change goes untested.
    [["docs/x.md"], ["types", "a", "b"]],
  ])("for a change of %j are %j", (paths, names) => {
    expect(neededStages(config, paths).map(({ name }) => name)).toEqual(names);
  });
});

describe("stageGroups", () => {
  it.each<[string, string[]]>([
    ["build test smoke", ["build", "test smoke"]],
    ["test smoke", ["test smoke"]],
    ["check build test test smoke", ["check", "build", "test test smoke"]],
    ["check check build build check", ["check check", "build", "build", "check"]],
    ["build", ["build"]],
    ["", []],
  ])("of %j are %j: a build is alone", (kinds, groups) => {
    const stages = kinds.split(" ").flatMap((kind) => (kind === "" ? [] : [stage(kind, kind)]));
    const got = stageGroups(stages).map((group) => group.map(({ kind }) => kind).join(" "));
    expect(got).toEqual(groups);
  });
});

function stage(kind: string, name: string): Stage {
  const argv = ["true"];
  if (kind === "build") return { kind, name, argv, outputs: ["dist"] };
  if (kind === "test") return testStage(name);
  return kind === "smoke" ? { kind, name, argv } : { kind: "check", name, argv };
}

function testStage(name: string): TestStage {
  return { kind: "test", name, argv: ["true"], runner: "node-test", tests: ["**/*.test.js"] };
}
