import { describe, expect, it } from "vitest";

import { operations } from "../api/operations.ts";
import type { Exchange } from "../exchange.ts";
import { unseenOperations } from "./contract-coverage.ts";
import { forgeWorld, refusal } from "./forge-world.ts";
import { createGitHubContract } from "./github-contract.ts";
import { readGitHubDescription } from "./github-description.ts";
import { validateAgainstGitHub } from "./octokit-contract.ts";

const contract = createGitHubContract();
const sha = "a".repeat(40);

describe("the cut description", () => {
  it("names what it was cut from, and has every operation that is served, where it is served", () => {
    const { source, operations: described } = readGitHubDescription();
    expect(source).toMatch(/^@octokit\/openapi@\d+\.\d+\.\d+\/generated\/api\.github\.com\.json$/u);
    const places = new Set(described.map(({ id, method, path }) => `${id} ${method} ${path}`));
    // GitHub takes contents without a path, and describes them with one.
    const unknown = operations
      .map(({ id, method, path }) => `${id} ${method} ${path}`)
      .filter((place) => !places.has(place));
    expect(unknown).toEqual(["repos/get-content GET /repos/{owner}/{repo}/contents"]);
  });

  it("is enough to compile every schema in it", () => {
    for (const { path, method, responses } of readGitHubDescription().operations) {
      for (const status of responses.keys()) {
        const filled = path.replace(/\{\w+\}/gu, "1");
        const answered = { ...exchange(method, filled), status, responseText: "[]" };
        expect(() => contract.check(answered)).not.toThrow();
      }
    }
  });
});

describe("an answer", () => {
  const ref = {
    ref: "refs/heads/main",
    node_id: "x",
    url: "https://example.com/x",
    object: { type: "commit", sha, url: "https://example.com/x" },
  };
  const get = (body: unknown, status = 200): string[] =>
    contract.check({
      ...exchange("GET", "/repos/o/r/git/ref/heads/main"),
      status,
      responseText: JSON.stringify(body),
    }).responseViolations;

  it("is as described", () => {
    expect(get(ref)).toEqual([]);
    expect(get({ message: "Not Found", documentation_url: "x", status: "404" }, 404)).toEqual([]);
  });

  it.each([
    ["lacks what is required", { ...ref, node_id: undefined }, 200, "node_id"],
    ["is null where nothing may be", { ...ref, ref: null }, 200, "/ref must be string"],
    ["has no URL where one belongs", { ...ref, url: "" }, 200, "uri"],
    ["is short of a character", { ...ref, object: { ...ref.object, sha: "a" } }, 200, "sha"],
    ["is no refusal as GitHub writes them", { message: 1 }, 404, "/message must be string"],
    ["has a status that GitHub never answers", {}, 418, "does not answer 418"],
    ["is created where nothing is", ref, 201, "does not answer 201"],
  ])("is refused when it %s", (_, body, status, problem) => {
    expect(get(body, status).join("\n")).toContain(problem);
  });

  it("has no body where none is described", () => {
    const deletion = { ...exchange("DELETE", "/repos/o/r/git/refs/heads/x"), status: 204 };
    expect(contract.check(deletion).responseViolations).toEqual([]);
    const talkative = { ...deletion, responseText: "{}" };
    expect(contract.check(talkative).responseViolations).toEqual(["204 has a body"]);
  });

  it("is text for those only who asked for it", () => {
    const text = {
      ...exchange("GET", "/repos/o/r/pulls/1"),
      contentType: "text/plain",
      responseText: "diff --git",
    };
    const asked = { ...text, accept: "application/vnd.github.v3.diff" };
    expect(contract.check(asked).responseViolations).toEqual([]);
    expect(contract.check(text).responseViolations).toEqual(["200 as text/plain is not described"]);
  });
});

describe("a request", () => {
  const create = (body: unknown): string[] =>
    contract.check({
      ...exchange("POST", "/repos/o/r/pulls"),
      requestText: JSON.stringify(body),
    }).requestViolations;
  const list = (query: string): string[] =>
    contract.check(exchange("GET", `/repos/o/r/pulls?${query}`)).requestViolations;

  it("is as described", () => {
    expect(create({ title: "t", head: "a", base: "main" })).toEqual([]);
    expect(list("state=all&per_page=100&page=2")).toEqual([]);
  });

  it("is refused when it is not", () => {
    expect(create({ title: "t", head: "a" }).join()).toContain("'base'");
    expect(create({ title: 1, head: "a", base: "b" }).join()).toContain("/title must be string");
    expect(create({ titel: "t", head: "a", base: "b" })).toEqual([
      "body property titel is not described",
    ]);
    expect(list("state=opened").join()).toContain("query parameter state");
    expect(list("per_page=many").join()).toContain("query parameter per_page");
    expect(list("perpage=1")).toEqual(["query parameter perpage is not described"]);
    const odd = contract.check(exchange("GET", "/repos/o/r/pulls/one"));
    expect(odd.requestViolations.join()).toContain("path parameter pull_number");
    expect(contract.check(exchange("GET", "/repos/o/r/issues")).requestViolations).toHaveLength(1);
  });
});

it("knows which operations nobody saw succeed", () => {
  const pairs = ["git/get-ref 200", "git/get-ref 404", "pulls/merge 405", "git/create-ref 201"];
  expect(unseenOperations(pairs, ["git/get-ref", "pulls/merge", "git/create-ref", "x"])).toEqual([
    "pulls/merge",
    "x",
  ]);
});

it("looks over the shoulder of an Octokit, and changes nothing for it", async () => {
  await using world = await forgeWorld();
  const { octokit, repo } = world;
  const observed = validateAgainstGitHub(octokit);
  await octokit.git.getRef({ ...repo, ref: "heads/main" });
  await octokit.git.createRef({ ...repo, ref: "refs/heads/x", sha: world.seedCommit });
  await octokit.repos.getCommit({ ...repo, ref: "x", mediaType: { format: "diff" } });
  expect((await refusal(octokit.git.getRef({ ...repo, ref: "heads/none" }))).status).toBe(404);
  expect(observed.violations).toEqual([]);
  expect([...observed.pairs]).toEqual([
    "git/get-ref 200",
    "git/create-ref 201",
    "repos/get-commit 200",
    "git/get-ref 404",
  ]);
  // Answered with a refusal, and never answered at all: both are held.
  const bare = octokit.request("POST /repos/{owner}/{repo}/git/refs", {
    ...repo,
    sha: world.seedCommit,
  } as never);
  expect((await refusal(bare)).status).toBe(422);
  await world.forge.close();
  const unanswered = octokit.pulls.list({ ...repo, state: "opened" as "open" });
  await expect(unanswered).rejects.toThrow("ECONNREFUSED");
  expect(observed.violations).toEqual([
    expect.stringContaining("must have required property 'ref'") as string,
    expect.stringContaining("query parameter state") as string,
  ]);
});

function exchange(method: string, path: string): Exchange {
  return {
    method,
    path,
    accept: "application/vnd.github.v3+json",
    requestText: "",
    status: 200,
    contentType: "application/json; charset=utf-8",
    responseText: "",
  };
}
