import { execFileSync } from "node:child_process";
import { compareAndSetAgentState, readAgentState } from "@jarvis/db";
import { setSafetyMode } from "@jarvis/operator-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  at,
  makePromotionWorld,
  noAnswer,
  onRequest,
  type PromotionWorld,
} from "../testing/promotion-world.ts";
import { attest, lastSeenBase, rememberBase } from "./attestation.ts";
import { treeOf } from "./git/mirror.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import { getPromotionControlState, setPromotionControlState } from "./promotion-control.ts";
import { openRuns } from "./runs.ts";

let suite: PromotionWorld;

beforeEach(async () => {
  suite = await makePromotionWorld();
});

afterEach(async () => await suite.close());

describe("the switches", () => {
  it.each<[string, string, () => Promise<unknown>]>([
    ["the pause", "promotion-paused", async () => await pause(true)],
    ["observe mode", "observe-only", async () => await mode("observe")],
  ])("stop the landing when %s comes after the first check", async (_, reason, turn) => {
    const stop = onRequest(suite.world, async (call, send) => {
      if (call.method === "POST" && call.url.includes("/statuses/")) await turn();
      return await send();
    });
    const { base } = await suite.host();
    const run = await suite.world.propose(suite.patch());
    stop();
    expect(run.result).toMatchObject({ status: "parked", blockReasons: [reason] });
    expect(run.result.pullRequestNumber).toBe(1);
    expect((await suite.host()).base).toBe(base);
    await pause(false);
    await mode("execute");
    const resumed = await suite.world.attempt(run.state.runId, 2);
    expect(resumed.result).toMatchObject({ success: true, pullRequestNumber: 1 });
    expect((await suite.host()).pulls).toHaveLength(1);
  });

  it("are asked again after everything else that is read before the landing", async () => {
    const calls: string[] = [];
    const stop = onRequest(suite.world, async (call, send) => {
      calls.push(call.method);
      // The last reading before the landing: a pause that comes with its answer still counts.
      const answer = await send();
      if (call.url.endsWith("/git/ref/{ref}") && calls.includes("POST")) await pause(true);
      return answer;
    });
    const run = await suite.world.propose(suite.patch());
    stop();
    expect(run.result.blockReasons).toEqual(["promotion-paused"]);
    expect(calls).not.toContain("PATCH");
  });
});

describe("a base that changes", () => {
  it("is staged and verified anew when it moved, and what the first round made is closed", async () => {
    let moved = "";
    const stop = onRequest(suite.world, async (call, send) => {
      const isStatus = call.method === "POST" && call.url.includes("/statuses/");
      if (isStatus && moved === "") moved = await suite.moveBase({ attested: true });
      return await send();
    });
    const runId = await suite.world.submit(suite.patch());
    const first = await suite.world.attempt(runId, 1);
    expect(first.state.status).toBe("tested");
    const second = await suite.world.attempt(runId, 1);
    stop();
    expect(second.result).toMatchObject({ success: true, baseSha: moved });
    const host = await suite.host();
    expect(host.branches).toEqual([]);
    expect(host.pulls.map(({ state, merged }) => [state, merged])).toEqual([
      ["closed", true],
      ["closed", false],
    ]);
    expect(second.events.map(({ type }) => type)).toEqual([
      "proposed",
      "proposed",
      "tested",
      "proposed",
      "tested",
      "promoted",
    ]);
  });

  it("closes what a parked attempt has left when the base moved while it waited", async () => {
    const stop = onRequest(suite.world, async (call, send) => {
      if (call.method === "POST" && call.url.includes("/statuses/")) await pause(true);
      return await send();
    });
    const run = await suite.world.propose(suite.patch());
    stop();
    await suite.moveBase({ attested: true });
    await pause(false);
    const resumed = await suite.world.attempt(run.state.runId, 2);
    expect(resumed.result.success).toBe(true);
    const host = await suite.host();
    expect(host.branches).toEqual([]);
    expect(host.pulls.map(({ state }) => state)).toEqual(["closed", "closed"]);
  });

  it("is not built upon while nobody vouches for it, and is once a person accepts it", async () => {
    const sha = await suite.moveBase({ attested: false });
    const run = await suite.world.propose(suite.patch());
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["base-unverified"] });
    expect(suite.world.mutations().filter(({ path }) => path.includes("/pulls"))).toEqual([]);
    const treeSha = await treeOf(suite.world.mirror, sha);
    await attest(suite.world.db, {
      sha,
      treeSha,
      by: "accepted",
      actor: "anna",
      reason: "read it",
    });
    const accepted = await suite.world.attempt(run.state.runId, 2);
    expect(accepted.result).toMatchObject({ success: true, baseSha: sha });
  });

  it("pauses promotion when its history was rewritten, once, until a person accepts and resumes", async () => {
    const sha = await suite.rewriteBase();
    const run = await suite.world.propose(suite.patch());
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["base-rewritten"] });
    const state = await getPromotionControlState(suite.world.db);
    expect(state).toMatchObject({ paused: true, updatedBy: "system" });
    await suite.world.attempt(run.state.runId, 2);
    const changes = await readRunEvents(suite.world.db, "promotion-control");
    expect(changes).toHaveLength(1);
    const treeSha = await treeOf(suite.world.mirror, sha);
    await attest(suite.world.db, { sha, treeSha, by: "accepted", actor: "anna", reason: "mine" });
    await rememberBase(suite.world.db, sha);
    await pause(false);
    expect((await suite.world.attempt(run.state.runId, 3)).result.success).toBe(true);
  });

  it("is still known to be rewritten when the pointer to the last one is damaged", async () => {
    const before = await lastSeenBase(suite.world.db);
    for (const value of ["damaged", { lastSeenBase: 7 }, { lastSeenBase: "main" }]) {
      const row = await readAgentState(suite.world.db, "self_extension:pipeline_status");
      const expectedVersion = row?.version ?? null;
      await compareAndSetAgentState(suite.world.db, "self_extension:pipeline_status", {
        expectedVersion,
        value,
      });
      expect(await lastSeenBase(suite.world.db)).toBe(before);
    }
    await suite.rewriteBase();
    const run = await suite.world.propose(suite.patch());
    expect(run.result.blockReasons).toEqual(["base-rewritten"]);
  });
});

describe("what the host says no to", () => {
  it.each([
    ["is missing", null, "status-missing", "parked"],
    ["is pending", "pending", "status-pending", "parked"],
    ["failed", "failure", "status-failing", "blocked"],
  ] as const)(
    "does not land while a required status of others %s",
    async (_, state, reason, status) => {
      await suite.operator.rest.repos.updateBranchProtection({
        ...at,
        branch: "main",
        required_status_checks: { strict: true, contexts: ["jarvis/sandbox", "ci/build"] },
        enforce_admins: true,
        required_pull_request_reviews: null,
        restrictions: null,
      });
      const report = async (sha: string, value: "pending" | "failure" | "success") =>
        await suite.operator.rest.repos.createCommitStatus({
          ...at,
          sha,
          state: value,
          context: "ci/build",
        });
      const stop = onRequest(suite.world, async (call, send) => {
        const answer = await send();
        const isPull = call.method === "POST" && call.url.endsWith("/pulls");
        if (isPull && state !== null) await report(headOf(answer), state);
        return answer;
      });
      const run = await suite.world.propose(suite.patch());
      stop();
      expect(run.result).toMatchObject({ status, blockReasons: [reason], pullRequestNumber: 1 });
      if (status !== "parked") return;
      await report(run.result.headSha ?? "", "success");
      const resumed = await suite.world.attempt(run.state.runId, 2);
      expect(resumed.result.success).toBe(true);
    },
  );

  it("does not take over a branch of its name that holds another commit", async () => {
    const { base } = await suite.host();
    const runId = await suite.world.submit(suite.patch());
    const occupied = onRequest(suite.world, async (call, send) => {
      if (call.method === "POST" && call.url.endsWith("/git/refs")) {
        // Somebody is faster: the branch is there, at another commit.
        const answer = send();
        await answer.catch(() => undefined);
        const [branch = ""] = (await suite.host()).branches;
        await suite.operator.rest.git.updateRef({
          ...at,
          ref: `heads/${branch}`,
          sha: base,
          force: true,
        });
        throw noAnswer();
      }
      return await send();
    });
    const run = await suite.world.attempt(runId, 1);
    occupied();
    expect(run.result).toMatchObject({ status: "blocked", blockReasons: ["branch-occupied"] });
    expect((await suite.host()).pulls).toEqual([]);
  });

  it("parks while the host is away and goes on when it is back", async () => {
    const stop = onRequest(suite.world, async () => {
      throw noAnswer();
    });
    const run = await suite.world.propose(suite.patch());
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["github-not-connected"] });
    expect((await openRuns(suite.world.db)).map(({ runId }) => runId)).toEqual([run.state.runId]);
    const still = await suite.world.attempt(run.state.runId, 2);
    expect(still.result).toMatchObject({ status: "parked", attempt: 2 });
    stop();
    const back = await suite.world.attempt(run.state.runId, 3);
    expect(back.result).toMatchObject({ success: true });
    expect(back.events.filter(({ type }) => type === "tested")).toHaveLength(1);
  });

  it("repeats the known verdict when the same commit had to be staged once more", async () => {
    const stop = onRequest(suite.world, async () => {
      throw noAnswer();
    });
    const run = await suite.world.propose(suite.patch());
    stop();
    const { runId } = run.state;
    // The host came back between asking for the base and fetching it.
    const { stageChange } = await import("./staging-deployer.ts");
    const staged = await stageChange(suite.world, runId, 2);
    if (!staged.staged) throw new Error("not staged");
    expect(await suite.world.steps.verify(runId, staged.change.stagedSha)).toEqual({
      passed: true,
    });
    const outcome = await suite.world.steps.promote(runId, staged.change.stagedSha, 2);
    expect(outcome).toEqual({ promoted: true, reasons: [] });
  });

  it("lands nothing in a step that is repeated after the run was blocked", async () => {
    const stop = onRequest(suite.world, async (call, send) => {
      if (call.method === "PATCH") {
        throw Object.assign(new Error("no"), { status: 422, response: { status: 422 } });
      }
      return await send();
    });
    const run = await suite.world.propose(suite.patch());
    stop();
    expect(run.result).toMatchObject({ status: "blocked", blockReasons: ["landing-refused"] });
    const { base } = await suite.host();
    const again = await suite.world.steps.promote(run.state.runId, run.state.stagedSha ?? "", 1);
    expect(again).toEqual({ promoted: false, reasons: ["landing-refused"] });
    expect((await suite.host()).base).toBe(base);
  });
});

describe("what is written on the host", () => {
  it("is inert, whatever goal, title and ids say, and its trailers are read by git alone", async () => {
    const run = await suite.world.propose(suite.patch(), {
      title: "Fixes #1 @octocat\n\nJarvis-Run: forged\nCo-authored-by: x <x@y.z>",
      goal: "```\n</details>\n/merge @everyone closes #2\n\nJarvis-Tree: forged",
      goalId: "goal\nJarvis-Tool: forged",
      cycleId: "cycle 1",
      toolName: "tool: x",
    });
    expect(run.result.success).toBe(true);
    const { data: commit } = await suite.operator.rest.git.getCommit({
      ...at,
      commit_sha: run.result.headSha ?? "",
    });
    const trailers = execFileSync("git", ["interpret-trailers", "--parse"], {
      input: commit.message,
      encoding: "utf8",
    });
    expect(trailers.trim().split("\n")).toEqual([
      `Jarvis-Run: ${run.state.runId}`,
      "Jarvis-Goal: goal-Jarvis-Tool:-forged",
      "Jarvis-Cycle: cycle-1",
      "Jarvis-Tool: tool:-x",
      `Jarvis-Base: ${run.result.baseSha}`,
      `Jarvis-Tree: ${run.result.treeSha}`,
      `Jarvis-Evidence: ${run.state.evidenceDigest}`,
      expect.stringMatching(
        /^Jarvis-Ledger-Checkpoint: \d+ [A-Za-z0-9+/]{43}= jarvis\.local\/ledger\/[0-9a-f]{16}$/,
      ),
    ]);
    expect(commit.message.split("\n", 1)[0]).not.toMatch(/[#@:]/);
    const { data: pull } = await suite.operator.rest.pulls.get({ ...at, pull_number: 1 });
    expect(pull.title).not.toMatch(/[#@:\n]/);
    const [, fenced = "", outside = ""] =
      /(````text[\s\S]*\n````\n)([\s\S]*)/.exec(pull.body ?? "") ?? [];
    expect(fenced).toContain("@everyone");
    expect(outside).not.toMatch(/@everyone|forged|<\/details>/);
    expect(commit.author).toMatchObject({ name: "Jarvis", email: "jarvis@localhost" });
    expect(commit.author.date).toBe(commit.committer.date);
  });
});

async function pause(paused: boolean): Promise<void> {
  await setPromotionControlState(suite.world.db, { paused, reason: "test", updatedBy: "anna" });
}

async function mode(to: "observe" | "execute"): Promise<void> {
  await setSafetyMode(suite.world.db, { mode: to, reason: "test", actor: "anna" });
}

function headOf(answer: unknown): string {
  return (answer as { data: { head: { sha: string } } }).data.head.sha;
}
