import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HOST_EVERY_MS } from "./kernel/host-pace.ts";
import { until } from "./testing/kernel-program.ts";
import { startKernelWorld, type KernelWorld, type RunDetail } from "./testing/kernel-world.ts";
import { pushFromOutside } from "./testing/push-from-outside.ts";
import { goodPatch } from "./testing/repository.ts";

let world: KernelWorld;

beforeAll(async () => {
  world = await startKernelWorld();
});

afterAll(async () => await world.close());

const verdictsAbout = async (sha: string): Promise<RunDetail["events"] | null> =>
  await world.run(`attestation-${sha}`).then(
    ({ events }) => events,
    () => null,
  );

it("verifies by itself what somebody pushed to the base, and builds upon it", async () => {
  const sha = await pushFromOutside(
    world.stateDir,
    "src/outside.js",
    "export const outside = 1;\n",
  );
  const events = await until(async () => await verdictsAbout(sha));
  expect(events).toMatchObject([{ type: "tested", payload: { passed: true } }]);
  const runId = await world.kernel.propose(goodPatch(world.repository, "afterwards"));
  expect(await world.kernel.outcome(runId)).toMatchObject({ status: "promoted", baseSha: sha });
});

it("does not accept a commit that was only proposed", async () => {
  const [{ runId } = { runId: "" }] = (
    await world.kernel.get<{ runs: { runId: string }[] }>("/api/runs")
  ).runs;
  const { events } = await world.run(runId);
  const sha = events.findLast(({ type }) => type === "proposed")?.payload["stagedSha"];
  await expect(world.kernel.post("/api/accept", { sha })).rejects.toThrow(
    "does not know the commit",
  );
});

it("waits for a person where that does not pass, and goes on once it is accepted", async () => {
  const sha = await pushFromOutside(world.stateDir, "src/add.js", "export const add = () => 7;\n");
  const runId = await world.kernel.propose(goodPatch(world.repository, "waiting"));
  expect(await world.kernel.outcome(runId)).toMatchObject({
    status: "parked",
    blockReasons: ["base-unverified"],
  });
  const [verdict] = await until(async () => await verdictsAbout(sha));
  expect(verdict?.payload).toMatchObject({ passed: false });
  await world.kernel.post("/api/accept", { sha });
  await until(async () => ((await world.kernel.outcome(runId)).baseSha === sha ? true : null));
});

it("is not verified after a kill, until a mode is set", async () => {
  await world.kernel.post("/api/kill-switch", { reason: "test" });
  const sha = await pushFromOutside(world.stateDir, "src/killed.js", "export const killed = 1;\n");
  // Longer than it takes until the base is looked at.
  await sleep(HOST_EVERY_MS.forge + 2000);
  expect(await verdictsAbout(sha)).toBeNull();
  await world.setMode("execute");
  const events = await until(async () => await verdictsAbout(sha));
  expect(events).toMatchObject([{ type: "tested" }]);
});
