import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  foldRun,
  makeOctokit,
  type LifecycleEvent,
  type RunResult,
} from "@jarvis/tools/self-extension";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHeldHost, type HeldHost } from "./testing/held-host.ts";
import {
  discardState,
  startKernelProgram,
  until,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { goodPatch, plainProject, type TestRepository } from "./testing/repository.ts";
import { at } from "./testing/seeded-forge.ts";

const isWhole = process.env["JARVIS_SWEEP"] === "1";

/** Every change that a promotion makes at its host, in order. The first test holds this list against a run. */
const mutations = [
  ["the blob", "POST", /\/git\/blobs$/],
  ["the tree", "POST", /\/git\/trees$/],
  ["the commit", "POST", /\/git\/commits$/],
  ["the branch", "POST", /\/git\/refs$/],
  ["the pull request", "POST", /\/pulls$/],
  ["the status", "POST", /\/statuses\/[0-9a-f]{40}$/],
  ["the fence", "POST", /\/statuses\/[0-9a-f]{40}$/],
  ["the landing", "PATCH", /\/git\/refs\/heads(\/|%2F)main$/],
  ["the removal of the branch", "DELETE", /\/git\/refs\/heads(\/|%2F)jarvis/],
] as const;

describe("a kernel that is killed while it promotes", () => {
  let host: HeldHost;
  let octokit: ReturnType<typeof makeOctokit>;
  let kernel: KernelProgram;

  beforeAll(async () => {
    host = await startHeldHost();
    const { apiUrl, token } = host.forge;
    octokit = makeOctokit({ apiUrl, token, remote: false });
    kernel = await host.start();
    await kernel.post("/api/mode", { mode: "execute", reason: "test" });
    // The first one of all also says whose repository it is, once.
    await kernel.outcome(await kernel.propose(goodPatch(host.repository, "first")));
    await until(async () => {
      const { data } = await octokit.rest.git.listMatchingRefs({ ...at, ref: "heads/jarvis" });
      return data.length === 0 ? true : null;
    });
  });

  afterAll(async () => {
    await kernel.stop();
    await host.close();
  });

  /** The changes that the forge's own log has of one run. */
  function madeFor(result: RunResult, since: number) {
    const made = readFileSync(host.forge.requestLog, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .slice(since)
      .map((line) => JSON.parse(line) as { method: string; path: string; status: number })
      .filter(
        ({ method, status, path }) => method !== "GET" && status < 300 && !/git-upload/.test(path),
      );
    const count = (method: string, path: RegExp): number =>
      made.filter((line) => line.method === method && path.test(line.path)).length;
    return {
      branches: count("POST", mutations[3][2]),
      pullRequests: count("POST", mutations[4][2]),
      statuses: count("POST", new RegExp(`/statuses/${result.headSha}$`)),
      landings: count("PATCH", mutations[7][2]),
      // By its name: the line of the run before may be written after this one has begun.
      removals: made.filter(
        ({ method, path }) =>
          method === "DELETE" && decodeURIComponent(path).endsWith(`/heads/${result.branchName}`),
      ).length,
    };
  }

  const logLength = (): number =>
    readFileSync(host.forge.requestLog, "utf8").split("\n").length - 1;

  async function expectOneOfEverything(result: RunResult, since: number): Promise<void> {
    expect(result).toMatchObject({ status: "promoted", success: true, blockReasons: [] });
    const branch = result.branchName ?? "";
    // The removal comes after `promoted`, and the log line after the removal.
    await until(() => (madeFor(result, since).removals > 0 ? true : null));
    const refs = await octokit.rest.git.listMatchingRefs({ ...at, ref: `heads/${branch}` });
    expect(refs.data).toEqual([]);
    expect(madeFor(result, since)).toEqual({
      branches: 1,
      pullRequests: 1,
      statuses: 2,
      landings: 1,
      removals: 1,
    });
    const pulls = await octokit.rest.pulls.list({ ...at, state: "all", head: `local:${branch}` });
    expect(pulls.data.map((pull) => pull.number)).toEqual([result.pullRequestNumber]);
    const base = await octokit.rest.git.getRef({ ...at, ref: "heads/main" });
    expect(base.data.object.sha).toBe(result.mergeSha);
    expect(result.mergeSha).toBe(result.headSha);
    const statuses = await octokit.rest.repos.listCommitStatusesForRef({
      ...at,
      ref: result.headSha ?? "",
    });
    expect(statuses.data.map(({ context, state }) => [context, state])).toEqual([
      ["jarvis/promotion", "success"],
      ["jarvis/sandbox", "success"],
    ]);
    await expectWholeLedger(kernel, result);
  }

  it("would make these changes, were it left alone", async () => {
    const since = logLength();
    const before = host.proxy.mutations.length;
    const result = await kernel.outcome(await kernel.propose(goodPatch(host.repository, "alone")));
    await expectOneOfEverything(result, since);
    const made = host.proxy.mutations.slice(before);
    expect(made).toHaveLength(mutations.length);
    for (const [index, [, method, path]] of mutations.entries()) {
      expect(made[index]?.method).toBe(method);
      expect(made[index]?.path).toMatch(path);
    }
  });

  // Nothing is kept between an answer and the next change, so "after" one is "before" the next, but for
  // the last two: `promoted` is written between them.
  const cases = [
    { what: "the blob", index: 0, when: "before" },
    { what: "the commit", index: 2, when: "after" },
    { what: "the branch", index: 3, when: "after" },
    { what: "the pull request", index: 4, when: "after" },
    { what: "the status", index: 5, when: "after" },
    { what: "the fence", index: 6, when: "after" },
    { what: "the landing", index: 7, when: "after" },
    { what: "the removal of the branch", index: 8, when: "before" },
    { what: "the removal of the branch", index: 8, when: "after" },
  ] as const;

  // Each takes seconds and starts two kernels; `pnpm sweep` runs them all.
  const sampled = cases.filter(
    ({ index, when }) => isWhole || ((index === 6 || index === 7) && when === "after"),
  );

  it.each(sampled)("right $when $what ends the run as it would have", async ({ index, when }) => {
    const since = logLength();
    const patch = goodPatch(host.repository, `${when}${index}`);
    const reached = host.proxy.hold(index, when);
    const runId = await kernel.propose(patch);
    await reached;
    await kernel.kill();
    host.proxy.release();
    kernel = await host.start();
    const result = await kernel.outcome(runId);
    expect(result.status).toBe("promoted");
    await expectOneOfEverything(result, since);
  });
});

describe("a kernel that is killed while it stages or verifies", () => {
  let repository: TestRepository;
  let stateDir: string;
  let kernel: KernelProgram;

  const start = async (): Promise<KernelProgram> =>
    await startKernelProgram({ repo: repository.directory, stateDir });

  beforeAll(async () => {
    repository = plainProject();
    repository.write(everyKindOfStage());
    repository.commit("Say how it is verified");
    stateDir = join(repository.directory, ".jarvis");
    kernel = await start();
    await kernel.post("/api/mode", { mode: "execute", reason: "test" });
  });

  afterAll(async () => {
    await kernel.stop();
    await discardState(stateDir);
    repository.remove();
  });

  const moments = ["stage", "verify: build", "verify: check", "verify: tests", "verify: smoke"];

  const sampled = moments.filter((moment) => isWhole || /stage|tests/.test(moment));

  it.each(sampled)("at `%s` ends the run as it would have", async (moment) => {
    const name = moment.replaceAll(/\W/g, "");
    const runId = await kernel.propose(goodPatch(repository, name));
    await until(async () => {
      const { run } = await kernel.get<{ run: { progress: { what: string } | null } }>(
        `/api/runs/${runId}`,
      );
      return isReached(moment, run.progress?.what ?? "") ? true : null;
    });
    await kernel.kill();
    kernel = await start();
    const result = await kernel.outcome(runId);
    expect(result).toMatchObject({ status: "promoted", attempt: 1 });
    expect(result.verificationDiagnostics.map((stage) => [stage.name, stage.status])).toEqual([
      ["build", "passed"],
      ["check", "passed"],
      ["tests", "passed"],
      ["smoke", "passed"],
    ]);
    await expectWholeLedger(kernel, result);
  });
});

/** Stages that run side by side are told together: `verify: tests, smoke`. */
function isReached(moment: string, progress: string): boolean {
  const [step = "", stage] = moment.split(": ");
  const [now = "", names = ""] = progress.split(": ");
  return now === step && (stage === undefined || names.split(", ").includes(stage));
}

/** Every event of the run is there once, in order, and they fold into what was answered. */
async function expectWholeLedger(kernel: KernelProgram, result: RunResult): Promise<void> {
  const { events } = await kernel.get<{ events: LifecycleEvent[] }>(
    `/api/runs/${result.lifecycleRunId}`,
  );
  expect(events.map((event) => event.type)).toEqual(["proposed", "proposed", "tested", "promoted"]);
  expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4]);
  const folded = foldRun(result.lifecycleRunId, events);
  expect(folded).toMatchObject({
    status: "promoted",
    mergeSha: result.mergeSha,
    eventIds: result.eventIds,
  });
}

/** Stages that last long enough to be met by a poll. */
function everyKindOfStage(): Record<string, string> {
  const wait = "await new Promise((done) => setTimeout(done, 250));\n";
  return {
    "jarvis.config.json": JSON.stringify({
      version: 1,
      dependencies: { manager: "none" },
      stages: [
        { kind: "build", name: "build", argv: ["node", "scripts/build.js"], outputs: ["dist"] },
        { kind: "check", name: "check", argv: ["node", "scripts/check.js"] },
        {
          kind: "test",
          name: "tests",
          runner: "node-test",
          argv: ["node", "--test"],
          tests: ["test/**/*.test.js"],
        },
        { kind: "smoke", name: "smoke", argv: ["node", "dist/main.js"], expectOutput: "ready" },
      ],
    }),
    "scripts/build.js": `import { writeFileSync } from "node:fs";\n${wait}writeFileSync("dist/main.js", \`${wait.trim()}console.log("ready");\`);\n`,
    "scripts/check.js": wait,
  };
}
