import { runInSandbox } from "@jarvis/sandbox";
import { afterEach, describe, expect, it, vi } from "vitest";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";
import { setPromotionControlState } from "./promotion-control.ts";

let world: TestWorld;
let repository: TestRepository;

afterEach(async () => {
  await world.close();
  repository.remove();
});

describe("a plain project without dependencies", () => {
  it("promotes a good change: the base is exactly the verified commit", async () => {
    repository = plainProject();
    world = await makeTestWorld(repository);
    const run = await world.propose(repository.patch(goodChange), { title: "Add subtraction" });
    expect(run.result.blockReasons).toEqual([]);
    expect(run.result).toMatchObject({ success: true, promotionSucceeded: true, error: null });
    expect(run.result.mergeSha).toBe(run.result.headSha);
    const { data } = await world.github.octokit.rest.pulls.get({
      owner: "local",
      repo: "project",
      pull_number: run.result.pullRequestNumber ?? 0,
    });
    expect(data).toMatchObject({ merged: true, title: "Add subtraction" });
    expect(run.events.map(({ type }) => type)).toEqual([
      "proposed",
      "proposed",
      "tested",
      "promoted",
    ]);
  });

  it("blocks a change whose tests fail and names the test", async () => {
    repository = plainProject();
    world = await makeTestWorld(repository);
    const run = await world.propose(
      repository.patch({ "src/add.js": "export const add = (a, b) => a - b;\n" }),
    );
    expect(run.result).toMatchObject({
      success: false,
      promotionBlocked: true,
      blockReasons: ["isolated-verification-failed"],
      verificationFailedStage: "tests",
      verificationFailureCategory: "tests-failed",
    });
    expect(run.result.verificationDiagnostics[0]?.failingTests).toEqual([
      "test/add.test.js > adds",
    ]);
    expect(world.mutations()).toEqual([]);
  });

  it("fails closed before the first GitHub mutation while promotion is paused, then continues", async () => {
    repository = plainProject();
    world = await makeTestWorld(repository);
    await setPromotionControlState(world.db, { paused: true, reason: "freeze", updatedBy: "test" });
    const run = await world.propose(repository.patch(goodChange));
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["promotion-paused"] });
    expect(world.mutations()).toEqual([]);
    await setPromotionControlState(world.db, { paused: false, reason: "go on", updatedBy: "test" });
    const resumed = await world.attempt(run.state.runId, 2);
    expect(resumed.result).toMatchObject({ success: true, attempt: 2 });
    expect(resumed.events.filter(({ type }) => type === "tested")).toHaveLength(1);
  });

  it("begins nothing without room on disk, and goes on when there is some", async () => {
    repository = plainProject();
    let level: "enough" | "low" = "low";
    const run = vi.fn(runInSandbox);
    const room = async () => await Promise.resolve({ level, detail: "12 MiB are free." });
    world = await makeTestWorld(repository, { room, run });
    const parked = await world.propose(repository.patch(goodChange));
    expect(parked.result).toMatchObject({ status: "parked", blockReasons: ["disk-low"] });
    expect(run).not.toHaveBeenCalled();
    level = "enough";
    const staged = await world.steps.stage(parked.state.runId, 2);
    level = "low";
    const sha = staged.stagedSha ?? "";
    expect(await world.steps.verify(parked.state.runId, sha)).toEqual({ passed: false });
    expect(run).not.toHaveBeenCalled();
    level = "enough";
    const resumed = await world.attempt(parked.state.runId, 3);
    expect(resumed.result).toMatchObject({ success: true });
  });
});

const goodChange = {
  "src/subtract.js": "export const subtract = (a, b) => a - b;\n",
  "test/subtract.test.js": [
    `import assert from "node:assert/strict";`,
    `import test from "node:test";`,
    `import { subtract } from "../src/subtract.js";`,
    `test("subtracts", () => assert.equal(subtract(3, 2), 1));`,
    "",
  ].join("\n"),
};
