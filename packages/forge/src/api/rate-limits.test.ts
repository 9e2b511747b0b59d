import { expect, it } from "vitest";

import { forgeWorld, pushBranch, refusal, tip, type ForgeWorld } from "../testing/forge-world.ts";

it("refuses once the hour is used up: everything, for that token, but the question itself", async () => {
  await using world = await forgeWorld({ rateLimits: { perHour: 4 } });
  const { octokit, operator, repo } = world;
  const { headers } = await octokit.repos.get(repo);
  expect(headers).toMatchObject({
    "x-ratelimit-limit": "4",
    "x-ratelimit-used": "1",
    "x-ratelimit-remaining": "3",
    "x-ratelimit-resource": "core",
  });
  // A refusal is counted too, and says so.
  const missing = await get(world, "/repos/local/jarvis/git/ref/heads/none");
  expect(missing.headers.get("x-ratelimit-remaining")).toBe("2");
  // What the client has already is not.
  const path = "/repos/local/jarvis/branches";
  const etag = (await get(world, path)).headers.get("etag") ?? "";
  const same = await get(world, path, { "if-none-match": etag });
  expect([same.status, same.headers.get("x-ratelimit-remaining")]).toEqual([304, "1"]);
  expect((await octokit.rateLimit.get()).data.rate).toMatchObject({ used: 3, remaining: 1 });
  await octokit.repos.get(repo);

  const refused = await refusal(octokit.git.createBlob({ ...repo, content: "x" }));
  expect(refused).toMatchObject({
    status: 403,
    message: expect.stringMatching(/^API rate limit exceeded for jarvis\[bot\]\./u) as string,
    body: { status: "403", documentation_url: expect.stringContaining("rate-limits") as string },
  });
  const exhausted = await get(world, path);
  expect(exhausted.headers.get("x-ratelimit-remaining")).toBe("0");
  const reset = Number(exhausted.headers.get("x-ratelimit-reset")) * 1000 - Date.now();
  expect(reset).toBeGreaterThan(3_500_000);
  expect(reset).toBeLessThanOrEqual(3_601_000);
  expect(exhausted.headers.get("retry-after")).toBeNull();
  const { rate } = (await octokit.rateLimit.get()).data;
  expect(rate).toMatchObject({ limit: 4, used: 4, remaining: 0 });
  expect((await operator.repos.get(repo)).headers["x-ratelimit-remaining"]).toBe("3");
});

it("asks an impolite client to wait, and did nothing for it", async () => {
  await using world = await forgeWorld({ rateLimits: { contentPerMinute: 3 } });
  const { octokit, repo } = world;
  await pushBranch(world, "a", { "a.txt": "1\n" });
  const url = `${world.forge.apiUrl}/repos/local/jarvis/git/refs`;
  const refused = await fetch(url, {
    method: "POST",
    headers: { ...bearer(world), "content-type": "application/json" },
    body: JSON.stringify({ ref: "refs/heads/b", sha: world.seedCommit }),
  });
  expect(refused.status).toBe(403);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(Number(refused.headers.get("x-ratelimit-remaining"))).toBeGreaterThan(4_000);
  expect(await refused.json()).toMatchObject({
    message: expect.stringContaining("secondary rate limit") as string,
    documentation_url: expect.stringContaining("secondary-rate-limits") as string,
  });
  // Reads go on.
  expect((await refusal(octokit.git.getRef({ ...repo, ref: "heads/b" }))).status).toBe(404);
  expect(await tip(world, "main")).toBe(world.seedCommit);
});

function bearer(world: ForgeWorld): Record<string, string> {
  return { authorization: `Bearer ${world.forge.token}` };
}

function get(world: ForgeWorld, path: string, headers: Record<string, string> = {}) {
  return fetch(`${world.forge.apiUrl}${path}`, { headers: { ...bearer(world), ...headers } });
}
