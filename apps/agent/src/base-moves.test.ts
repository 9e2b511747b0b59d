import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HOST_EVERY_MS } from "./kernel/host-pace.ts";
import {
  discardState,
  startKernelProgram,
  until,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { pushFromOutside } from "./testing/push-from-outside.ts";
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

interface Detail {
  readonly events: {
    type: string;
    payload: { passed?: boolean; reason?: string; stagedSha?: string };
  }[];
}

const verdictsAbout = async (sha: string): Promise<Detail["events"] | null> =>
  await kernel
    .get<Detail>(`/api/runs/attestation-${sha}`)
    .then(({ events }) => events)
    .catch(() => null);

it("verifies by itself what somebody pushed to the base, and builds upon it", async () => {
  const sha = await pushFromOutside(stateDir, "src/outside.js", "export const outside = 1;\n");
  const events = await until(async () => await verdictsAbout(sha));
  expect(events).toMatchObject([{ type: "tested", payload: { passed: true } }]);
  const runId = await kernel.propose(goodPatch(repository, "afterwards"));
  expect(await kernel.outcome(runId)).toMatchObject({ status: "promoted", baseSha: sha });
});

it("does not accept a commit that was only proposed", async () => {
  const [{ runId } = { runId: "" }] = (await kernel.get<{ runs: { runId: string }[] }>("/api/runs"))
    .runs;
  const { events } = await kernel.get<Detail>(`/api/runs/${runId}`);
  const sha = events.findLast(({ type }) => type === "proposed")?.payload.stagedSha;
  await expect(kernel.post("/api/accept", { sha })).rejects.toThrow("does not know the commit");
});

it("waits for a person where that does not pass, and goes on once it is accepted", async () => {
  const sha = await pushFromOutside(stateDir, "src/add.js", "export const add = () => 7;\n");
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

it("is not verified after a kill, until a mode is set", async () => {
  await kernel.post("/api/kill-switch", { reason: "test" });
  const sha = await pushFromOutside(stateDir, "src/killed.js", "export const killed = 1;\n");
  // Longer than it takes until the base is looked at.
  await sleep(HOST_EVERY_MS.forge + 2000);
  expect(await verdictsAbout(sha)).toBeNull();
  await kernel.post("/api/mode", { mode: "execute", reason: "test" });
  const events = await until(async () => await verdictsAbout(sha));
  expect(events).toMatchObject([{ type: "tested" }]);
});
