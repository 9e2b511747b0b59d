import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { rollback } from "../testing/lifecycle.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";
import { promoteOnBase, rollBack } from "../testing/reverting.ts";
import { fetchBranch, readFileOfTree, treeOf } from "./git/mirror.ts";
import { appendSelfExtensionEvent } from "./lifecycle-events.ts";
import { changeToRevert } from "./revert-run.ts";
import { LIFT_HOLD } from "./holds.ts";
import { listHolds } from "./standing-holds.ts";

let world: TestWorld;
let repository: TestRepository;

beforeAll(async () => {
  repository = plainProject();
  world = await makeTestWorld(repository);
});

afterAll(async () => {
  await world.close();
  repository.remove();
});

describe("a revert that conflicts with a later change", () => {
  let revert: string;
  let reverted: string;

  it("mutates nothing while Jarvis only observes, and waits", async () => {
    reverted = await promote({
      "src/add.js": "export const add = (a, b) => b + a;\n",
      "src/more.js": "export const more = 1;\n",
    });
    await promote({ "src/add.js": "export const add = (a, b) => b + a + 0;\n" });
    revert = await rollBack(world, reverted);
    await world.safety.setMode("observe", { reason: "test", actor: "test" });
    const before = world.mutations().length;
    const run = await world.attempt(revert, 1);
    expect(run.result).toMatchObject({
      status: "parked",
      blockReasons: ["revert-conflict", "observe-only"],
      pullRequestUrl: null,
    });
    expect(world.mutations()).toHaveLength(before);
    await world.safety.setMode("execute", { reason: "test", actor: "test" });
  });

  it("is shown to a person as a pull request with what could be taken back, and lands nothing", async () => {
    const base = await baseSha();
    const run = await world.attempt(revert, 2);
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["revert-conflict"] });
    expect(await baseSha()).toBe(base);
    const { data } = await world.github.octokit.rest.pulls.get({
      ...at,
      pull_number: run.result.pullRequestNumber ?? 0,
    });
    expect(data).toMatchObject({ state: "open", merged: false, base: { sha: base } });
    expect(data.head.sha).toBe(run.result.headSha);
    expect(data.title).toBe("A person has to revert Change src add.js");
    expect(data.body).toContain("src/add.js");
    expect(data.body).not.toContain("src/more.js");
    expect(data.body).toContain(`jarvis hold lift ${reverted}`);
    // The later commit that is in the way.
    expect(data.body).toContain(base);
    await fetched(run.result.branchName ?? "");
    const tree = await treeOf(world.mirror, data.head.sha);
    expect(await readFileOfTree(world.mirror, tree, "src/more.js")).toBeNull();
    const kept = await readFileOfTree(world.mirror, tree, "src/add.js");
    expect(kept?.toString()).toContain("b + a + 0");
    // Nobody vouches for it: no status says that it may land.
    const statuses = await world.github.octokit.rest.repos.listCommitStatusesForRef({
      ...at,
      ref: data.head.sha,
    });
    expect(statuses.data).toEqual([]);
  });

  it("is not shown twice", async () => {
    const before = world.mutations().length;
    const run = await world.attempt(revert, 3);
    expect(run.result).toMatchObject({
      status: "parked",
      pullRequestNumber: expect.any(Number) as number,
    });
    expect(world.mutations()).toHaveLength(before);
  });

  it("keeps everything else from the base until an operator lets the change stay", async () => {
    const other = { "src/other.js": "export const other = 1;\n" };
    const waiting = await world.propose(repository.patch(other));
    expect(waiting.result).toMatchObject({ status: "parked", blockReasons: ["rollback-required"] });
    await lift(reverted);
    const ended = await world.attempt(revert, 4);
    expect(ended.result).toMatchObject({ status: "blocked", blockReasons: ["hold-lifted"] });
    const promoted = await world.attempt(waiting.state.runId, 2);
    expect(promoted.result).toMatchObject({ success: true });
  });
});

describe("a revert whose release serves badly itself", () => {
  it("is reverted by nobody, and keeps everything else from the base until an operator lets it be", async () => {
    const bad = await promote({ "src/bad.js": "export const bad = 1;\n" });
    expect(await changeToRevert(world, bad)).toMatchObject({ runId: bad });
    const revert = await rollBack(world, bad);
    expect((await world.attempt(revert, 1)).result).toMatchObject({ success: true });
    for (const event of rollback(revert, null)) await appendSelfExtensionEvent(world.db, event);
    expect(await changeToRevert(world, revert)).toBeNull();
    const holds = await listHolds(world);
    expect(holds.find(({ id }) => id === revert)).toMatchObject({ kind: "base" });
    expect(holds.filter(({ id }) => id === revert)).toHaveLength(1);
    const waiting = await world.propose(repository.patch({ "src/next.js": "export {};\n" }));
    expect(waiting.result).toMatchObject({ status: "parked", blockReasons: ["rollback-required"] });
    await lift(revert);
    await lift(bad);
    const promoted = await world.attempt(waiting.state.runId, 2);
    expect(promoted.result).toMatchObject({ success: true });
  });
});

describe("a goal that was rolled back twice", () => {
  it("is refused under any change until an operator lifts it", async () => {
    const goal = { goal: "Make it better", goalId: "better" };
    for (const name of ["one", "two"]) {
      const runId = await promote({ [`src/${name}.js`]: "export const n = 1;\n" }, goal);
      for (const event of rollback(runId, null)) await appendSelfExtensionEvent(world.db, event);
      // The operator lets it stay, and believes that the next try will do.
      await lift(runId);
    }
    const third = repository.patch({ "src/three.js": "export const n = 3;\n" });
    const refused = await world.propose(third, goal);
    expect(refused.result).toMatchObject({ status: "blocked", blockReasons: ["goal-paused"] });
    const [hold] = await listHolds(world);
    expect(hold).toMatchObject({ kind: "goal", title: "Make it better" });
    expect(refused.result.error).toContain(`jarvis hold lift ${hold?.id ?? ""}`);
    await lift(hold?.id ?? "");
    expect(await listHolds(world)).toEqual([]);
    expect((await world.propose(third, goal)).result).toMatchObject({ success: true });
  });
});

const at = { owner: "local", repo: "project" };

async function fetched(branch: string): Promise<string> {
  const { gitUrl: url, gitAuthorization } = world.github;
  return await fetchBranch(world.mirror, { url, authorization: await gitAuthorization() }, branch);
}

async function baseSha(): Promise<string> {
  return await fetched("main");
}

async function promote(files: Record<string, string>, more = {}): Promise<string> {
  return await promoteOnBase(world, repository, files, more);
}

async function lift(runId: string): Promise<void> {
  const outcome = await world.executor.perform({
    actionName: LIFT_HOLD,
    parameters: { runId },
    reason: "test",
    requester: { kind: "user", name: "anna" },
    agentId: null,
    sessionId: `hold:${runId}`,
  });
  expect(outcome).toMatchObject({ outcome: "completed" });
}
