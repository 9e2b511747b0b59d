import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeOctokit } from "@jarvis/tools/self-extension";
import {
  discardState,
  startKernelProgram,
  until,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { goodPatch, plainProject, type TestRepository } from "./testing/repository.ts";

let repository: TestRepository;
let kernel: KernelProgram;
let stateDir: string;

beforeAll(async () => {
  repository = plainProject();
  stateDir = join(repository.directory, ".jarvis");
  kernel = await startKernelProgram({ repo: repository.directory, stateDir });
  await kernel.post("/api/mode", { mode: "execute", reason: "test" });
});

afterAll(async () => {
  await kernel.stop();
  await discardState(stateDir);
  repository.remove();
});

/** Commits to the base as a person would through the repository host, past Jarvis. */
async function push(path: string, content: string): Promise<string> {
  const forge = join(stateDir, "forge");
  const port = readFileSync(join(forge, "port"), "utf8").trim();
  const octokit = makeOctokit({
    apiUrl: `http://127.0.0.1:${port}/api/v3`,
    token: readFileSync(join(forge, "operator-token"), "utf8").trim(),
    remote: false,
  });
  const at = { owner: "local", repo: "project" };
  const { data: ref } = await octokit.rest.git.getRef({ ...at, ref: "heads/main" });
  const { data: tree } = await octokit.rest.git.createTree({
    ...at,
    base_tree: ref.object.sha,
    tree: [{ path, mode: "100644", type: "blob", content }],
  });
  const { data: commit } = await octokit.rest.git.createCommit({
    ...at,
    message: "From outside",
    tree: tree.sha,
    parents: [ref.object.sha],
  });
  for (const context of ["jarvis/sandbox", "jarvis/promotion"]) {
    await octokit.rest.repos.createCommitStatus({
      ...at,
      sha: commit.sha,
      state: "success",
      context,
    });
  }
  await octokit.rest.git.updateRef({ ...at, ref: "heads/main", sha: commit.sha });
  return commit.sha;
}

interface Detail {
  readonly events: { type: string; payload: { passed?: boolean; reason?: string } }[];
}

const verdictsAbout = async (sha: string): Promise<Detail["events"] | null> =>
  await kernel
    .get<Detail>(`/api/runs/attestation-${sha}`)
    .then(({ events }) => events)
    .catch(() => null);

it("verifies by itself what somebody pushed to the base, and builds upon it", async () => {
  const sha = await push("src/outside.js", "export const outside = 1;\n");
  const events = await until(async () => await verdictsAbout(sha));
  expect(events).toMatchObject([{ type: "tested", payload: { passed: true } }]);
  const runId = await kernel.propose(goodPatch(repository, "afterwards"));
  expect(await kernel.outcome(runId)).toMatchObject({ status: "promoted", baseSha: sha });
});

it("waits for a person where that does not pass, and goes on once it is accepted", async () => {
  const sha = await push("src/add.js", "export const add = () => 7;\n");
  const runId = await kernel.propose(goodPatch(repository, "waiting"));
  expect(await kernel.outcome(runId)).toMatchObject({
    status: "parked",
    blockReasons: ["base-unverified"],
  });
  const [verdict] = await until(async () => await verdictsAbout(sha));
  expect(verdict?.payload).toMatchObject({ passed: false });
  await kernel.post("/api/accept", { sha });
  await until(async () => ((await kernel.outcome(runId)).baseSha === sha ? true : null));
});
