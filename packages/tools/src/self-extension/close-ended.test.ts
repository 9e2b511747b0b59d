import { afterAll, beforeAll, expect, it } from "vitest";
import {
  at,
  makePromotionWorld,
  onRequest,
  type PromotionWorld,
} from "../testing/promotion-world.ts";
import { closeEnded } from "./close-ended.ts";
import { setPromotionControlState } from "./promotion-control.ts";
import { promotionStore } from "./promotion-store.ts";

const operator = { reason: "test", actor: "anna" };

let suite: PromotionWorld;

beforeAll(async () => {
  suite = await makePromotionWorld();
});
afterAll(async () => await suite.close());

it("closes what a kill left open, but not before Jarvis may change something again", async () => {
  const { world } = suite;
  const look = closeEnded(world);
  await look();
  let kill: Promise<number> | undefined;
  const stop = onRequest(world, async (call, send) => {
    const answer = await send();
    if (kill === undefined && call.context === "jarvis/sandbox") {
      kill = world.safety.killSwitch(operator);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return answer;
  });
  const run = await world.propose(suite.patch());
  stop();
  await kill;
  expect(run.result.blockReasons).toEqual(["kill-switch-active"]);
  expect(await openPulls()).toHaveLength(1);
  const before = world.mutations().length;
  await look();
  expect(world.mutations()).toHaveLength(before);
  await world.safety.setMode("execute", operator);
  // As long as it may still land it is left as it is.
  const store = promotionStore(world.db);
  const [headSha = ""] = await openPulls();
  const { runId, baseSha } = run.state;
  const announced = { runId, attempt: 1, headSha, baseSha: baseSha ?? "", isRevert: false };
  const recorded = await store.recordIntent(announced);
  await look();
  expect(await openPulls()).toEqual([headSha]);
  if (recorded.kind !== "recorded") throw new Error(recorded.kind);
  await store.resolveIntent(recorded.intent.id, { outcome: "did-not-happen", knownBy: "not-sent" });
  await look();
  expect(await openPulls()).toEqual([]);
  expect((await suite.host()).branches).toEqual([]);
  // Nothing has ended since: the host is not even asked.
  let asked = 0;
  const stopCounting = onRequest(world, async (_, send) => {
    asked += 1;
    return await send();
  });
  await look();
  stopCounting();
  expect(asked).toBe(0);
});

it("closes what the host refused, and leaves what is parked and what a person has made of it", async () => {
  const { world, operator: person } = suite;
  const stop = onRequest(world, async (call, send) => {
    if (call.method === "PATCH" && call.url.includes("/git/refs/")) {
      throw Object.assign(new Error("no"), { status: 422, response: { status: 422 } });
    }
    return await send();
  });
  const refused = await world.propose(suite.patch());
  const taken = await world.propose(suite.patch());
  stop();
  expect(refused.result.blockReasons).toEqual(["landing-refused"]);
  // Somebody goes on with the second one by hand.
  const mine = taken.state.branchName ?? "";
  const { data: head } = await person.rest.git.getCommit({
    ...at,
    commit_sha: taken.state.headSha ?? "",
  });
  const { data: commit } = await person.rest.git.createCommit({
    ...at,
    message: "Mine now",
    tree: head.tree.sha,
    parents: [head.sha],
  });
  await person.rest.git.updateRef({ ...at, ref: `heads/${mine}`, sha: commit.sha });
  const waiting = await parkedAfterItsPullRequest();
  await closeEnded(world)();
  expect((await openPulls()).toSorted()).toEqual([commit.sha, waiting].toSorted());
});

/** A run that is paused between its pull request and its landing; answers its head. */
async function parkedAfterItsPullRequest(): Promise<string> {
  const pause = async (paused: boolean): Promise<unknown> =>
    await setPromotionControlState(suite.world.db, { paused, reason: "x", updatedBy: "anna" });
  const stop = onRequest(suite.world, async (call, send) => {
    const answer = await send();
    if (call.context === "jarvis/sandbox") await pause(true);
    return answer;
  });
  const parked = await suite.world.propose(suite.patch());
  stop();
  expect(parked.result).toMatchObject({ status: "parked", blockReasons: ["promotion-paused"] });
  return parked.state.headSha ?? "";
}

async function openPulls(): Promise<string[]> {
  const { pulls } = await suite.host();
  return pulls.filter(({ state }) => state === "open").map(({ head }) => head);
}
