import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";
import { killSwitch, setSafetyMode } from "@jarvis/operator-core";
import { getPromotionControlState, setPromotionControlState } from "./promotion-control.ts";

let world: TestWorld | undefined;
let repository: TestRepository | undefined;

afterEach(async () => {
  await world?.close();
  repository?.remove();
  world = undefined;
  repository = undefined;
});

describe("Every builtin self-modification lifecycle step writes append-only audit events with deterministic stage labels", () => {
  it("for a promoted, a blocked and a parked run alike, the same at every repetition", async () => {
    const labels: string[][] = [];
    const toVerdict = ["proposed@propose", "proposed@stage", "tested@verify"];
    for (const _ of [1, 2]) {
      repository = plainProject();
      world = await makeTestWorld(repository);
      const good = await world.propose(repository.patch(goodChange));
      const bad = await world.propose(
        repository.patch({ "src/add.js": "export const add = () => 0;\n" }),
      );
      await setPromotionControlState(world.db, {
        paused: true,
        reason: "freeze",
        updatedBy: "anna",
      });
      const parked = await world.propose(repository.patch({ "src/new.js": "export {};\n" }));
      const runs = [good, bad, parked];
      labels.push(
        runs.flatMap(({ events }) => events.map(({ type, stage }) => `${type}@${stage}`)),
      );
      await expect(
        world.database.sql`update self_extension_events set stage = 'x'`,
      ).rejects.toThrow("denied");
      const admin = world.database.openAdmin();
      await expect(admin`delete from self_extension_events`).rejects.toThrow("append-only");
      await admin.end();
      await world.close();
      repository.remove();
      world = undefined;
    }
    expect(labels[0]).toEqual([
      ...toVerdict,
      "promoted@promote",
      ...toVerdict,
      "promotion_blocked@verify",
      ...toVerdict,
      "promotion_blocked@promote",
    ]);
    expect(labels[1]).toEqual(labels[0]);
  });
});

describe("Promotion pause state is persisted and evaluated independently from the global kill switch", () => {
  it("blocks on the one, on the other and on both, each by its own word", async () => {
    repository = plainProject();
    const { db } = (world = await makeTestWorld(repository));
    const runId = await world.submit(repository.patch(goodChange));
    const killed = await world.attempt(runId, 1, async () => {
      await killSwitch(db, { reason: "smoke", actor: "anna" }, { onKill: [] });
    });
    expect(await getPromotionControlState(world.db)).toMatchObject({ paused: false });
    expect(killed.result.blockReasons).toEqual(["observe-only"]);
    await setPromotionControlState(world.db, { paused: true, reason: "x", updatedBy: "anna" });
    const both = await world.attempt(runId, 2);
    expect(both.result.blockReasons).toEqual(["promotion-paused", "observe-only"]);
    await setSafetyMode(world.db, { mode: "execute", reason: "test", actor: "anna" });
    const paused = await world.attempt(runId, 3);
    expect(paused.result.blockReasons).toEqual(["promotion-paused"]);
    expect(world.mutations()).toEqual([]);
    await setPromotionControlState(world.db, { paused: false, reason: "x", updatedBy: "anna" });
    const done = await world.attempt(runId, 4);
    expect(done.result).toMatchObject({ success: true, attempt: 4 });
  });
});

describe("Paused promotion attempts fail closed before GitHub branch/PR/merge actions execute", () => {
  it.each([
    ["the switch is on", async (db: TestWorld["db"]) => await pause(db)],
    ["its row is gone", async (_: unknown, admin: TestWorld["database"]) => await dropRow(admin)],
  ])("when %s", async (_, turn) => {
    repository = plainProject();
    world = await makeTestWorld(repository);
    await turn(world.db, world.database);
    const before = await world.github.octokit.rest.git.listMatchingRefs({
      owner: "local",
      repo: "project",
      ref: "heads/",
    });
    const run = await world.propose(repository.patch(goodChange));
    expect(run.result).toMatchObject({
      promotionAttempted: false,
      promotionBlocked: true,
      blockReasons: ["promotion-paused"],
      pullRequestNumber: null,
    });
    expect(world.mutations()).toEqual([]);
    const after = await world.github.octokit.rest.git.listMatchingRefs({
      owner: "local",
      repo: "project",
      ref: "heads/",
    });
    expect(after.data).toEqual(before.data);
  });
});

describe("the patterns that the specification looks for", () => {
  it.each([
    [
      "staging-deployer.ts",
      /appendSelfExtensionEvent|promotion-paused|promotion_blocked|promoted/,
      ["appendSelfExtensionEvent", "promotion_blocked"],
    ],
    [
      "github-pipeline.ts",
      /appendSelfExtensionEvent|promotion-paused|promotion_blocked|promoted/,
      ["appendSelfExtensionEvent", "promotion-paused", "promotion_blocked", "promoted"],
    ],
    [
      "promotion-control.ts",
      /getPromotionControlState|setPromotionControlState|paused/,
      ["getPromotionControlState", "setPromotionControlState", "paused"],
    ],
    [
      "lifecycle-events.ts",
      /appendSelfExtensionEvent|promotion_blocked|promotion_pause_changed/,
      ["appendSelfExtensionEvent", "promotion_blocked", "promotion_pause_changed"],
    ],
    [
      "../../../db/src/schema/self-extension-events.ts",
      /selfExtensionEvents|append-only|eventType|payload/,
      ["selfExtensionEvents", "eventType", "payload"],
    ],
    ["../../../db/src/schema/index.ts", /self-extension-events/, ["self-extension-events"]],
    ["../../../db/drizzle.config.ts", /self-extension-events/, ["self-extension-events"]],
  ])("are found in %s, every word of them", (file, pattern, words) => {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
    expect(text).toMatch(pattern);
    for (const word of words) expect(text).toContain(word);
  });

  it("are wired: the pipeline asks the switch, staging writes the ledger, the index exports both", async () => {
    const exports = await import("./index.ts");
    expect(exports.appendSelfExtensionEvent).toBeTypeOf("function");
    expect(exports.getPromotionControlState).toBeTypeOf("function");
    expect(exports.setPromotionControlState).toBeTypeOf("function");
    const pipeline = readFileSync(new URL("github-pipeline.ts", import.meta.url), "utf8");
    expect(pipeline.match(/await readSwitches\(world\)/g)).toHaveLength(2);
  });
});

const goodChange = { "src/subtract.js": "export const subtract = (a, b) => a - b;\n" };

async function pause(db: TestWorld["db"]): Promise<void> {
  await setPromotionControlState(db, { paused: true, reason: "freeze", updatedBy: "anna" });
}

async function dropRow(database: TestWorld["database"]): Promise<void> {
  const admin = database.openAdmin();
  await admin`delete from agent_state where key = 'self_extension:promotion_control'`;
  await admin.end();
}
