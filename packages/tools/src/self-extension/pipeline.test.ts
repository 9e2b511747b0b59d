import { runInSandbox } from "@jarvis/sandbox";
import { afterEach, describe, expect, it, vi } from "vitest";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import { setPromotionControlState } from "./promotion-control.ts";
import { readRun } from "./runs.ts";

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

  // A kernel that dies before the engine has kept a step's answer repeats the step in the same attempt.
  it("tells the verdict of a step that was parked, lost with its kernel and repeated", async () => {
    repository = plainProject();
    let level: "enough" | "low" = "enough";
    const room = async () => await Promise.resolve({ level, detail: "12 MiB are free." });
    world = await makeTestWorld(repository, { room });
    const runId = await world.submit(
      repository.patch({ "src/add.js": "export const add = () => 0;\n" }),
    );
    const { stagedSha } = await world.steps.stage(runId, 1);
    level = "low";
    expect(await world.steps.verify(runId, stagedSha ?? "")).toEqual({ passed: false });
    expect((await world.steps.verify(runId, stagedSha ?? "")).passed).toBe(false);
    expect(await blocksOf(runId)).toEqual(["disk-low"]);
    level = "enough";
    expect(await world.steps.verify(runId, stagedSha ?? "")).toEqual({ passed: false });
    expect(await blocksOf(runId)).toEqual(["disk-low", "isolated-verification-failed"]);
    expect((await readRun(world.db, runId))?.state.status).toBe("blocked");
  });

  it("parks a run again whose promotion was parked, lost with its kernel and repeated", async () => {
    repository = plainProject();
    world = await makeTestWorld(repository);
    const { db, steps } = world;
    const pause = async (paused: boolean): Promise<void> => {
      await setPromotionControlState(db, { paused, reason: "freeze", updatedBy: "test" });
    };
    await pause(true);
    const { state } = await world.propose(repository.patch(goodChange));
    const { runId, stagedSha } = state;
    expect((await steps.promote(runId, stagedSha ?? "", 1)).reasons).toEqual(["promotion-paused"]);
    expect(await blocksOf(runId)).toEqual(["promotion-paused"]);
    await pause(false);
    await world.propose(repository.patch({ "docs/other.md": "other\n" }));
    expect((await steps.promote(runId, stagedSha ?? "", 1)).reasons).toEqual(["base-moved"]);
    const again = await steps.stage(runId, 1);
    expect(await steps.verify(runId, again.stagedSha ?? "")).toEqual({ passed: true });
    await pause(true);
    await steps.promote(runId, again.stagedSha ?? "", 1);
    expect((await readRun(db, runId))?.state).toMatchObject({
      status: "parked",
      blockReasons: ["promotion-paused"],
    });
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

/** The reasons of every block on record, in their order. */
async function blocksOf(runId: string): Promise<string[]> {
  return (await readRunEvents(world.db, runId)).flatMap((event) =>
    event.type === "promotion_blocked" ? event.payload.reasons : [],
  );
}
