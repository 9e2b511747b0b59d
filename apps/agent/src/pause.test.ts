import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { makeOctokit, type PauseAnswer, type RunResult } from "@jarvis/tools/self-extension";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectionTo, startHeldHost, type HeldHost } from "./testing/held-host.ts";
import { until, type KernelProgram } from "./testing/kernel-program.ts";
import { goodPatch } from "./testing/repository.ts";
import { at } from "./testing/seeded-forge.ts";

const CLI = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));

let host: HeldHost;
let operator: ReturnType<typeof makeOctokit>;
let kernel: KernelProgram;
/** The head of a pull request that Jarvis did not open. */
let foreign: string;

beforeAll(async () => {
  host = await startHeldHost();
  const { apiUrl, operatorToken: token } = host.forge;
  operator = makeOctokit({ apiUrl, token, remote: false });
  foreign = await pullRequestOfSomebody();
  kernel = await host.start();
  await kernel.post("/api/mode", { mode: "execute", reason: "test" });
});

afterAll(async () => {
  await kernel.stop();
  await host.close();
});

it("says whether the host enforces the fence, and lets pass what others open", async () => {
  expect(await fenceInStatus()).toBe("enforced");
  await until(async () => ((await fenceOf(foreign)) === "success" ? true : null));
});

it("closes the pull request of a run that the host refused to land, and no other", async () => {
  const { data: ruleset } = await operator.rest.repos.createRepoRuleset({
    ...at,
    name: "nobody moves it",
    enforcement: "active",
    conditions: { ref_name: { include: ["refs/heads/main"], exclude: [] } },
    rules: [{ type: "update" }],
  });
  const runId = await kernel.propose(goodPatch(host.repository, "refused"));
  const result = await kernel.outcome(runId);
  expect(result).toMatchObject({ status: "blocked", blockReasons: ["landing-refused"] });
  await until(async () => {
    const { data } = await operator.rest.pulls.list({ ...at, state: "open" });
    return data.length === 1 && data[0]?.head.sha === foreign ? true : null;
  });
  await operator.rest.repos.deleteRepoRuleset({ ...at, ruleset_id: ruleset.id });
});

it("pauses past a kernel that is stopped between its intent and the landing; woken up, it lands nothing", async () => {
  const runId = await sendLanding("stopped");
  process.kill(kernel.pid, "SIGSTOP");
  const answer = await pause("wedged");
  const base = await baseNow();
  expect(answer).toMatchObject({
    paused: true,
    acknowledged: true,
    drained: [{ runId, outcome: "did-not-happen", knownBy: "fenced" }],
    unresolved: [],
    fence: "enforced",
  });
  host.proxy.forward();
  process.kill(kernel.pid, "SIGCONT");
  const result = await kernel.outcome(runId);
  expect(result).toMatchObject({ status: "parked", blockReasons: ["promotion-paused"] });
  expect(await baseNow()).toBe(base);
  await kernel.post("/api/self-extension/promotion", { paused: false, reason: "test" });
  const landed = await until(async () => {
    const { status, mergeSha } = await kernel.outcome(runId);
    return status === "promoted" ? mergeSha : null;
  });
  expect(landed).toBe(result.headSha);
  expect(await baseNow()).toBe(landed);
});

it("ends a stopped kernel where no fence holds it, and waits for what it had sent", async () => {
  await requireStatuses(["jarvis/sandbox"]);
  const runId = await sendLanding("ended");
  process.kill(kernel.pid, "SIGSTOP");
  const paused = pause("no fence");
  // It is ended because nothing else keeps it from landing; what it has sent arrives all the same.
  await kernel.ended;
  host.proxy.forward();
  const answer = await paused;
  expect(answer).toMatchObject({
    acknowledged: true,
    drained: [{ runId, outcome: "landed" }],
    fence: "none",
  });
  expect(await baseNow()).toBe(answer.drained[0]?.mergeSha);
  kernel = await host.start();
  expect(await kernel.outcome(runId)).toMatchObject({ status: "promoted" });
});

/** A good change whose landing was sent and has not arrived. */
async function sendLanding(name: string): Promise<string> {
  const sent = host.proxy.holdAt(/\/git\/refs\/heads(\/|%2F)main$/, "before");
  const runId = await kernel.propose(goodPatch(host.repository, name));
  await sent;
  return runId;
}

/** The command as an operator types it; ends 0 only when the pause is acknowledged. */
async function pause(reason: string): Promise<PauseAnswer> {
  return await new Promise((resolve, reject) => {
    const args = [CLI, "pause", "--reason", reason, "--json"];
    const places = ["--repo", host.repository.directory, "--state-dir", host.stateDir];
    const options = {
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...connectionTo(host.forge) },
    };
    execFile(process.execPath, [...args, ...places], options, (error, stdout, said) => {
      if (error === null) resolve(JSON.parse(stdout) as PauseAnswer);
      else reject(new Error(`pause ended ${String(error.code)}: ${stdout}${said}`));
    });
  });
}

async function fenceInStatus(): Promise<string> {
  return (await kernel.get<{ host: { fence: string } }>("/api/status")).host.fence;
}

async function baseNow(): Promise<RunResult["mergeSha"]> {
  return (await operator.rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
}

async function fenceOf(sha: string): Promise<string | null> {
  const { data } = await operator.rest.repos.listCommitStatusesForRef({ ...at, ref: sha });
  return data.find(({ context }) => context === "jarvis/promotion")?.state ?? null;
}

async function pullRequestOfSomebody(): Promise<string> {
  const base = (await baseNow()) ?? "";
  const tree = await operator.rest.git.createTree({
    ...at,
    base_tree: base,
    tree: [{ path: "by-hand.txt", mode: "100644", type: "blob", content: "by hand\n" }],
  });
  const { data } = await operator.rest.git.createCommit({
    ...at,
    message: "By hand",
    tree: tree.data.sha,
    parents: [base],
  });
  await operator.rest.git.createRef({ ...at, ref: "refs/heads/by-hand", sha: data.sha });
  await operator.rest.pulls.create({ ...at, title: "By hand", head: "by-hand", base: "main" });
  return data.sha;
}

async function requireStatuses(contexts: string[]): Promise<void> {
  await operator.rest.repos.updateBranchProtection({
    ...at,
    branch: "main",
    required_status_checks: { strict: true, contexts },
    enforce_admins: true,
    required_pull_request_reviews: null,
    restrictions: null,
  });
}
