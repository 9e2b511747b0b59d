import { expect, it } from "vitest";
import { exposedWorkflows } from "./workflow-exposure.ts";

const branches = { pushed: "jarvis/change", base: "main" };
const exposed = (text: string) => exposedWorkflows([{ path: "ci.yml", text }], branches);

it.each<[string, string, string[]]>([
  ["every push", "on: push", ["push"]],
  ["a list", "on: [push, pull_request]", ["push", "pull_request"]],
  ["pull requests to the base", "on:\n  pull_request:\n    branches: [main]", ["pull_request"]],
  ["branches that ours are one of", "on:\n  push:\n    branches: ['**']", ["push"]],
  ["all but another branch", "on:\n  push:\n    branches-ignore: [docs/**]", ["push"]],
  ["the end of another workflow", "on:\n  workflow_run:\n    workflows: [CI]", ["workflow_run"]],
  ["new branches", "on: create", ["create"]],
  ["what nobody can read", "on: [push", ["unreadable"]],
  ["what says no trigger", "jobs: {}", ["unreadable"]],
])("finds %s", (_, text, events) => {
  expect(exposed(text)).toMatchObject([{ events }]);
});

it.each([
  ["the base alone", "on:\n  push:\n    branches: [main]"],
  ["everything but our branches", "on:\n  push:\n    branches: ['**', '!jarvis/**']"],
  ["what ignores our branches", "on:\n  push:\n    branches-ignore: ['jarvis/**']"],
  ["pull requests to another branch", "on:\n  pull_request:\n    branches: [release]"],
  ["tags", "on:\n  push:\n    tags: ['v*']"],
  ["a clock and a person", "on:\n  schedule: [{ cron: '0 0 * * *' }]\n  workflow_dispatch:"],
])("leaves out %s", (_, text) => {
  expect(exposed(text)).toEqual([]);
});

it("tells which of them name a secret", () => {
  const steps = "\njobs:\n  a:\n    env:\n      KEY: ";
  expect(exposed(`on: push${steps}\${{ secrets.KEY }}`)[0]?.seesSecrets).toBe(true);
  expect(exposed(`on: push${steps}x`)[0]?.seesSecrets).toBe(false);
  expect(exposed("on: [push")[0]?.seesSecrets).toBe(true);
});
