import { DBOS } from "@dbos-inc/dbos-sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  makePromotionWorld,
  noAnswer,
  onRequest,
  type PromotionWorld,
} from "../testing/promotion-world.ts";
import { PIPELINE_PROTOCOL, registerPipeline, type Pipeline } from "./pipeline.ts";
import { reconcileRuns } from "./reconcile-runs.ts";
import { setPromotionControlState } from "./promotion-control.ts";
import { openRuns, readRun } from "./runs.ts";

let suite: PromotionWorld;
let pipeline: Pipeline;
const ended: string[] = [];

beforeAll(async () => {
  suite = await makePromotionWorld();
  const world = { ...suite.world, ended: (runId: string) => void ended.push(runId) };
  pipeline = registerPipeline(() => world);
  DBOS.setConfig({
    name: "jarvis-test",
    systemDatabaseUrl: suite.world.database.runtimeUrl,
    applicationVersion: PIPELINE_PROTOCOL,
    runMigrations: false,
    logLevel: "error",
  });
  await DBOS.launch();
});

afterAll(async () => {
  await DBOS.shutdown();
  await suite.close();
});

describe("the pipeline as a workflow", () => {
  it("takes a change from its proposal to the base", async () => {
    const { runId } = await pipeline.submit({ patch: suite.patch(), title: "Through the engine" });
    await workflow(runId, 1);
    const run = await readRun(suite.world.db, runId);
    expect(run?.result).toMatchObject({ success: true, attempt: 1 });
    expect(ended).toContain(runId);
    const steps = await DBOS.listWorkflowSteps(`${runId}:1`);
    expect(steps?.map(({ name }) => name)).toEqual(["stage-1", "verify-1", "promote-1"]);
  });

  it("refuses what is no proposal before anything is recorded", async () => {
    await expect(pipeline.submit({ patch: "hello" })).rejects.toMatchObject({
      code: "invalid-proposal",
    });
    await expect(pipeline.submit(null)).rejects.toMatchObject({ code: "invalid-proposal" });
  });

  it("takes the same attempt started many times as one", async () => {
    const { runId } = await pipeline.submit({ patch: suite.patch() });
    await Promise.all(Array.from({ length: 4 }, async () => await pipeline.start(runId, 1)));
    await workflow(runId, 1);
    await pipeline.start(runId, 1);
    const run = await readRun(suite.world.db, runId);
    expect(run?.events.map(({ type }) => type)).toEqual([
      "proposed",
      "proposed",
      "tested",
      "promoted",
    ]);
  });

  it("parks by ending the workflow, and a new attempt goes on from its evidence", async () => {
    await pause(true);
    const { runId } = await pipeline.submit({ patch: suite.patch() });
    await workflow(runId, 1);
    const parked = await openRuns(suite.world.db);
    expect(parked.map(({ status }) => status)).toEqual(["parked"]);
    expect(await reconcileRuns(pipeline, parked, () => false)).toEqual([]);
    await pause(false);
    expect(await reconcileRuns(pipeline, parked, () => true)).toEqual([runId]);
    await workflow(runId, 2);
    const run = await readRun(suite.world.db, runId);
    expect(run?.result).toMatchObject({ success: true, attempt: 2 });
    expect(await openRuns(suite.world.db)).toEqual([]);
  });

  it("stages anew by itself when the base moves under it", async () => {
    let moved = false;
    const stop = onRequest(suite.world, async (call, send) => {
      const isStatus = call.method === "POST" && call.url.includes("/statuses/");
      if (isStatus && !moved) {
        moved = true;
        await suite.moveBase({ attested: true });
      }
      return await send();
    });
    const { runId } = await pipeline.submit({ patch: suite.patch() });
    await workflow(runId, 1);
    stop();
    expect((await readRun(suite.world.db, runId))?.result.success).toBe(true);
    const steps = await DBOS.listWorkflowSteps(`${runId}:1`);
    expect(steps?.map(({ name }) => name)).toContain("promote-2");
  });

  it("ends as promoted a run whose landing took effect while the host went away", async () => {
    let away = false;
    const stop = onRequest(suite.world, async (call, send) => {
      if (away) throw noAnswer();
      const answer = await send();
      if (call.method !== "PATCH") return answer;
      away = true;
      throw noAnswer();
    });
    const { runId } = await pipeline.submit({ patch: suite.patch() });
    await workflow(runId, 1);
    stop();
    expect((await readRun(suite.world.db, runId))?.result.status).toBe("parked");
    await pipeline.start(runId, 2);
    await workflow(runId, 2);
    const run = await readRun(suite.world.db, runId);
    expect(run?.result).toMatchObject({ success: true, mergeSha: (await suite.host()).base });
  });

  it("runs many changes at once: each lands, one after the other", async () => {
    const submitted = await Promise.all(
      Array.from({ length: 3 }, async () => await pipeline.submit({ patch: suite.patch() })),
    );
    for (const { runId } of submitted) await workflow(runId, 1);
    for (const { runId } of submitted) {
      expect((await readRun(suite.world.db, runId))?.result).toMatchObject({ success: true });
    }
    expect((await suite.host()).branches).toEqual([]);
  });

  it("records a failure with its reason when the world is broken", async () => {
    const stop = onRequest(suite.world, async (call, send) => {
      if (call.method === "POST") throw new Error("a bug in the client");
      return await send();
    });
    const { runId } = await pipeline.submit({ patch: suite.patch() });
    await workflow(runId, 1);
    stop();
    expect((await readRun(suite.world.db, runId))?.result).toMatchObject({
      status: "failed",
      error: "a bug in the client",
    });
  });
});

async function workflow(runId: string, attempt: number): Promise<void> {
  await DBOS.retrieveWorkflow(`${runId}:${attempt}`).getResult();
}

async function pause(paused: boolean): Promise<void> {
  await setPromotionControlState(suite.world.db, { paused, reason: "test", updatedBy: "anna" });
}
