import { afterAll, afterEach, beforeAll, expect, it } from "vitest";

import {
  forgeWorld,
  git,
  gitRefusal,
  openPull,
  pushBranch,
  refusal,
  requestLines,
  tip,
  withToken,
  type ForgeWorld,
} from "../testing/forge-world.ts";
import { clearFaults, listFaults, orderFault } from "../testing/order-fault.ts";

let world: ForgeWorld;
beforeAll(async () => {
  world = await forgeWorld({ faults: true });
});
afterEach(async () => {
  // Every order was carried out: no test is content with a fault that never happened.
  for (const { order, fired } of await listFaults(world.forge)) {
    if (fired === order.match?.times) continue;
    throw new Error(`${order.fault.kind} happened ${fired} times, not ${order.match?.times}`);
  }
  await clearFaults(world.forge);
});
afterAll(() => world[Symbol.asyncDispose]());

it("fails before the effect, and serves the next call", async () => {
  const create = createRef("before");
  await orderFault(world.forge, {
    match: { operation: "git/create-ref" },
    fault: { kind: "error", when: "before", status: 503 },
  });
  expect(await refusal(create())).toMatchObject({ status: 503, body: { status: "503" } });
  expect(await branches("before")).toEqual([]);
  expect((await create()).status).toBe(201);
});

it("fails after the effect, and serves the next call", async () => {
  const create = createRef("after");
  await orderFault(world.forge, {
    match: { method: "POST", path: "/repos/{owner}/{repo}/git/refs" },
    fault: { kind: "error" },
  });
  expect((await refusal(create())).status).toBe(502);
  expect(await branches("after")).toEqual(["refs/heads/after"]);
  expect((await refusal(create())).message).toBe("Reference already exists");
  expect((await requestLines(world)).find(({ status }) => status === 502)).toMatchObject({
    hidden: 201,
    faults: ["error"],
  });
});

it.each(["before", "after"] as const)("closes the connection %s the effect", async (when) => {
  const name = `closed-${when}`;
  const create = createRef(name);
  await orderFault(world.forge, {
    match: { operation: "git/create-ref" },
    fault: { kind: "close-connection", when },
  });
  // No answer at all: Octokit has an error without a response.
  const error: unknown = await create().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  expect((error as { response?: unknown }).response).toBeUndefined();
  expect(await branches(name)).toEqual(when === "after" ? [`refs/heads/${name}`] : []);
  const line = (await requestLines(world)).findLast(({ status }) => status === 0);
  expect(line?.["hidden"]).toBe(when === "after" ? 201 : undefined);
});

it("loses the answer to a merge that took effect", async () => {
  const head = await pushBranch(world, "lost-merge", { "lost.txt": "1\n" });
  const { number } = await openPull(world, "lost-merge");
  const pull = { ...world.repo, pull_number: number };
  await orderFault(world.forge, {
    match: { operation: "pulls/merge" },
    fault: { kind: "close-connection" },
  });
  await expect(world.octokit.pulls.merge({ ...pull, sha: head })).rejects.toThrow(
    /closed|ECONNRESET|hang up|terminated/u,
  );
  const { data } = await world.octokit.pulls.get(pull);
  expect(data.merged).toBe(true);
  expect(await tip(world, "main")).toBe(data.merge_commit_sha);
  // Whoever merges again is told so, and nothing lands twice.
  expect((await refusal(world.octokit.pulls.merge(pull))).status).toBe(405);
});

it.each(["before", "after"] as const)("waits %s the effect", async (when) => {
  const name = `slow-${when}`;
  await orderFault(world.forge, {
    match: { operation: "git/create-ref" },
    fault: { kind: "delay", when, ms: 400 },
  });
  const begun = Date.now();
  let done = false;
  const creating = createRef(name)().then(() => (done = true));
  if (when === "after") await expect.poll(() => branches(name)).not.toEqual([]);
  else expect(await branches(name)).toEqual([]);
  expect(done).toBe(false);
  await creating;
  expect(Date.now() - begun).toBeGreaterThanOrEqual(399);
  expect(await branches(name)).toEqual([`refs/heads/${name}`]);
});

it("answers reads from before the last change, so many times, and then as it is", async () => {
  const { octokit, repo } = world;
  const old = await pushBranch(world, "stale", { "s.txt": "1\n" });
  const { number } = await openPull(world, "stale");
  const pull = { ...repo, pull_number: number };
  const head = await pushBranch(world, "stale", { "s.txt": "2\n" }, { from: old });
  await orderFault(world.forge, { match: { times: 3 }, fault: { kind: "stale-read" } });
  expect(await tip(world, "stale")).toBe(old);
  expect((await octokit.pulls.get(pull)).data.head.sha).toBe(old);
  // Through every way to read it: as a commit too.
  expect((await octokit.repos.getCommit({ ...repo, ref: "stale" })).data.sha).toBe(old);
  expect(await tip(world, "stale")).toBe(head);
  expect((await octokit.pulls.get(pull)).data.head.sha).toBe(head);
});

it("does not let a stale read spoil what is written", async () => {
  const { octokit, repo } = world;
  const sha = await pushBranch(world, "stale-status", { "t.txt": "1\n" });
  await octokit.repos.createCommitStatus({ ...repo, sha, state: "pending", context: "ci" });
  await octokit.repos.createCommitStatus({ ...repo, sha, state: "success", context: "ci" });
  const states = async () => {
    const { data } = await octokit.repos.listCommitStatusesForRef({ ...repo, ref: sha });
    return data.map(({ state }) => state);
  };
  await orderFault(world.forge, { fault: { kind: "stale-read" } });
  await orderFault(world.forge, {
    match: { nth: 2 },
    fault: { kind: "stale-read", changesBack: 2 },
  });
  expect(await states()).toEqual(["pending"]);
  expect(await states()).toEqual([]);
  await octokit.repos.createCommitStatus({ ...repo, sha, state: "error", context: "ci" });
  expect(await states()).toEqual(["error", "success", "pending"]);
});

it("refuses a call as if the hour were used up, and serves the next one", async () => {
  await orderFault(world.forge, {
    match: { operation: "repos/get" },
    fault: { kind: "primary-limit", status: 429, resetInSeconds: 30 },
  });
  const refused = await fetch(`${world.forge.apiUrl}/repos/local/jarvis`, { headers: bearer() });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
  const reset = Number(refused.headers.get("x-ratelimit-reset")) - Date.now() / 1000;
  expect(Math.round(reset)).toBeGreaterThanOrEqual(28);
  expect((await refused.json()) as object).toMatchObject({
    message: expect.stringMatching(/^API rate limit exceeded/u) as string,
  });
  const served = await world.octokit.repos.get(world.repo);
  expect(Number(served.headers["x-ratelimit-remaining"])).toBeGreaterThan(0);
});

it("asks to wait as the secondary limit does, and serves the next call", async () => {
  const create = createRef("impolite");
  await orderFault(world.forge, {
    match: { operation: "git/create-ref" },
    fault: { kind: "secondary-limit", retryAfterSeconds: 7 },
  });
  const error = await create().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    status: 403,
    response: { headers: { "retry-after": "7" } },
    message: expect.stringContaining("secondary rate limit") as string,
  });
  expect(await branches("impolite")).toEqual([]);
  expect((await create()).status).toBe(201);
});

it("leaves so much of a budget, and enforces it until the reset", async () => {
  const { octokit, operator, repo } = world;
  await orderFault(world.forge, {
    match: { operation: "rate-limit/get" },
    fault: { kind: "rate-budget", remaining: 1, resetInSeconds: 1 },
  });
  expect((await octokit.rateLimit.get()).data.rate).toMatchObject({ remaining: 1, limit: 5000 });
  await octokit.repos.get(repo);
  expect((await refusal(octokit.repos.get(repo))).status).toBe(403);
  expect((await operator.repos.get(repo)).status).toBe(200);
  await expect
    .poll(() => octokit.repos.get(repo).then(({ status }) => status), { timeout: 5_000 })
    .toBe(200);
});

it("moves and rewinds a branch between two calls, past all protection", async () => {
  await using guarded = await forgeWorld({
    faults: true,
    protection: { requiredStatuses: ["ci"] },
  });
  const { octokit, repo, forge } = guarded;
  const match = { operation: "git/get-ref" };
  const move = { kind: "move-branch", when: "after", branch: "main" } as const;
  await orderFault(forge, { match, fault: { ...move, to: "new-commit" } });
  const before = await tip(guarded, "main");
  const moved = await tip(guarded, "main");
  expect(moved).not.toBe(before);
  const { data } = await octokit.repos.getCommit({ ...repo, ref: moved });
  expect(data).toMatchObject({ parents: [{ sha: before }], author: null });
  expect(data.files?.map(({ filename }) => filename)).toEqual(["somebody-else.txt"]);

  await orderFault(forge, { match, fault: { ...move, to: { rewind: 2 } } });
  expect(await tip(guarded, "main")).toBe(moved);
  expect(await tip(guarded, "main")).toBe(await git(guarded.bare, "rev-parse", `${before}^`));

  await orderFault(forge, { match, fault: { ...move, when: "before", to: { sha: before } } });
  expect(await tip(guarded, "main")).toBe(before);
  expect(
    (await refusal(octokit.git.updateRef({ ...repo, ref: "heads/main", sha: moved }))).status,
  ).toBe(422);
});

it("moves the base under a merge: the merge is of the new base", async () => {
  const { octokit, repo } = world;
  const sha = await pushBranch(world, "overtaken", { "overtaken.txt": "1\n" });
  const { number } = await openPull(world, "overtaken");
  const base = await tip(world, "main");
  await orderFault(world.forge, {
    match: { operation: "pulls/merge" },
    fault: { kind: "move-branch", when: "before", branch: "main", to: "new-commit" },
  });
  const { data } = await octokit.pulls.merge({ ...repo, pull_number: number, sha });
  const [first = "", second] = (
    await octokit.git.getCommit({ ...repo, commit_sha: data.sha })
  ).data.parents.map((parent) => parent.sha);
  expect(first).not.toBe(base);
  expect(await git(world.bare, "rev-parse", `${first}^`)).toBe(base);
  expect(second).toBe(sha);
});

it("says aloud when a branch cannot be moved", async () => {
  await orderFault(world.forge, {
    match: { operation: "repos/get" },
    fault: { kind: "move-branch", when: "before", branch: "none", to: { rewind: 1 } },
  });
  expect((await refusal(world.octokit.repos.get(world.repo))).status).toBe(500);
  expect((await requestLines(world)).at(-1)?.["error"]).toContain("no branch none");
  expect((await world.octokit.repos.get(world.repo)).status).toBe(200);
});

it("disturbs git over HTTP before anything happened", async () => {
  const remote = withToken(world.forge, world.forge.token);
  const list = ["ls-remote", remote, "refs/heads/main"];
  const path = "/local/jarvis.git/**";
  await orderFault(world.forge, { match: { path }, fault: { kind: "error", when: "before" } });
  expect(await gitRefusal(world.seed, ...list)).toContain("502");
  // Twice: where a connection that was used before breaks, curl tries once more by itself.
  await orderFault(world.forge, {
    match: { path, times: 2 },
    fault: { kind: "close-connection", when: "before" },
  });
  expect(await gitRefusal(world.seed, ...list)).toContain("fatal:");
  expect(await git(world.seed, ...list)).toContain(await tip(world, "main"));
});

function createRef(name: string) {
  const ref = { ...world.repo, ref: `refs/heads/${name}`, sha: world.seedCommit };
  return () => world.octokit.git.createRef(ref);
}

/** As git sees them, past the API and what was ordered for it. */
async function branches(name: string): Promise<string[]> {
  const output = await git(world.bare, "for-each-ref", "--format=%(refname)", `refs/heads/${name}`);
  return output === "" ? [] : output.split("\n");
}

function bearer(): Record<string, string> {
  return { authorization: `Bearer ${world.forge.token}` };
}
