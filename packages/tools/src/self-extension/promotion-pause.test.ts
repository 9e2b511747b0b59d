import { execFileSync } from "node:child_process";
import { clearFaults, orderFault, type FaultInput } from "@jarvis/forge/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  at,
  makePromotionWorld,
  onRequest,
  type PromotionWorld,
} from "../testing/promotion-world.ts";
import { attest, rememberBase } from "./attestation.ts";
import { treeOf } from "./git/mirror.ts";
import { getPromotionControlState } from "./promotion-control.ts";
import { openIntents } from "./promotion-intents.ts";
import { thisHolder } from "./promotion-holder.ts";
import type { PauseAnswer } from "./pause-answer.ts";
import { pausePromotion, resumePromotion, tendIntents } from "./promotion-pause.ts";
import { readRun } from "./runs.ts";
import { inheritUnanswered } from "./landing-memory.ts";
import { settleWorld, type SettleWorld } from "./settle-intent.ts";

let suite: PromotionWorld;

beforeAll(async () => {
  suite = await makePromotionWorld({}, { forge: { faults: true } });
});

afterAll(async () => await suite.close());

afterEach(async () => {
  await clearFaults(suite.world.forge);
  await requireStatuses(["jarvis/sandbox", "jarvis/promotion"]);
  await pause({ waitMs: 5000 });
  await resume();
});

describe("a pause that comes", () => {
  it("between the intent and the landing lets nothing land, and the run goes on from its evidence", async () => {
    let answer: PauseAnswer | null = null;
    const stop = onRequest(suite.world, async (call, send) => {
      const sent = await send();
      if (call.context === "jarvis/promotion") answer ??= await pause();
      return sent;
    });
    const { base } = await suite.host();
    const run = await suite.world.propose(suite.patch());
    stop();
    expect(answer).toMatchObject({
      paused: true,
      acknowledged: true,
      drained: [{ runId: run.state.runId, outcome: "did-not-happen", knownBy: "not-let-through" }],
      unresolved: [],
      fence: "enforced",
    });
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["promotion-paused"] });
    expect((await suite.host()).base).toBe(base);
    expect(await fenceOf(run.result.headSha)).toBe("failure");
    await resume();
    const resumed = await suite.world.attempt(run.state.runId, 2);
    expect(resumed.result).toMatchObject({ success: true, headSha: run.result.headSha });
    expect(resumed.events.filter(({ type }) => type === "tested")).toHaveLength(1);
  });

  it("while the landing is on its way is acknowledged at once: the host refuses what arrives later", async () => {
    let answer: PauseAnswer | null = null;
    const stop = onRequest(suite.world, async (call, send) => {
      if (call.method === "PATCH") answer ??= await pause();
      return await send();
    });
    const { base } = await suite.host();
    const run = await suite.world.propose(suite.patch());
    stop();
    expect(answer).toMatchObject({
      acknowledged: true,
      drained: [{ runId: run.state.runId, outcome: "did-not-happen", knownBy: "fenced" }],
    });
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["promotion-paused"] });
    expect((await suite.host()).base).toBe(base);
    // It had its answer, so nothing of it is on its way any more, whatever is of another database
    // that gave the same number.
    for (let id = 1; id <= 100; id += 1) {
      inheritUnanswered({ runId: "of another database", id, phase: "landing" });
    }
    await resume();
    expect((await suite.world.attempt(run.state.runId, 2)).result).toMatchObject({ success: true });
  });

  it("after the passage and before the request, without a fence, waits for the host's word", async () => {
    await requireStatuses(["jarvis/sandbox"]);
    let answer: PauseAnswer | null = null;
    let isAsking = false;
    const stop = onRequest(suite.world, async (call, send) => {
      const isLook = !isAsking && call.method === "GET" && call.url.endsWith("/git/ref/{ref}");
      const [intent] = isLook && answer === null ? await openIntents(suite.world.db) : [];
      if (intent?.phase === "landing") {
        isAsking = true;
        answer = await pause();
      }
      return await send();
    });
    const run = await suite.world.propose(suite.patch());
    stop();
    expect(answer).toMatchObject({
      paused: true,
      acknowledged: false,
      unresolved: [{ runId: run.state.runId }],
    });
    expect(run.result.success).toBe(true);
    expect(await pause()).toMatchObject({ acknowledged: true });
  });

  it("after a landing whose answer was lost reads it back", async () => {
    await fault({ kind: "close-connection", when: "after" });
    let answer: PauseAnswer | null = null;
    const stop = onRequest(suite.world, async (call, send) => {
      try {
        return await send();
      } finally {
        if (call.method === "PATCH") answer ??= await pause();
      }
    });
    const run = await suite.world.propose(suite.patch());
    stop();
    const mergeSha = run.result.headSha;
    expect(answer).toMatchObject({
      acknowledged: true,
      drained: [{ outcome: "landed", knownBy: "read-back", mergeSha }],
    });
    expect(run.result).toMatchObject({ success: true, mergeSha });
    expect((await suite.host()).base).toBe(mergeSha);
  });

  it("while the host is away is not acknowledged, and is once it has been read back", async () => {
    await fault({ kind: "error", when: "before", status: 502 }, { times: 3 });
    const run = await suite.world.propose(suite.patch());
    expect(run.result.blockReasons).toEqual(["github-not-connected"]);
    const away = onRequest(suite.world, async () => {
      throw new TypeError("fetch failed");
    });
    const answer = await pause();
    away();
    expect(answer).toMatchObject({
      paused: true,
      acknowledged: false,
      drained: [],
      unresolved: [{ runId: run.state.runId, why: "The repository host cannot be reached" }],
      inFlight: [run.state.runId],
      fence: "unknown",
    });
    // What the next kernel does, and this one every few seconds.
    await tendIntents(settling());
    expect(await openIntents(suite.world.db)).toEqual([]);
    expect(await pause()).toMatchObject({ acknowledged: true, fence: "enforced" });
  });
});

describe("where the base does not require the fence", () => {
  it("a landing of unknown outcome is not called undone, and nothing else lands meanwhile", async () => {
    await requireStatuses(["jarvis/sandbox"]);
    await fault({ kind: "error", when: "before", status: 502 }, { times: 3 });
    const stuck = await suite.world.propose(suite.patch());
    await clearFaults(suite.world.forge);
    const other = await suite.world.propose(suite.patch());
    expect(other.result).toMatchObject({ status: "parked", blockReasons: ["landing-unresolved"] });
    expect(await pause()).toMatchObject({
      acknowledged: false,
      fence: "none",
      unresolved: [{ runId: stuck.state.runId, why: expect.stringContaining("on its way") }],
    });
    await resume();
    // Its own run knows what it asked for, and asks again.
    const again = await suite.world.attempt(stuck.state.runId, 2);
    expect(again.result.success).toBe(true);
    expect(await fenceOf(again.result.headSha)).toBeNull();
  });
});

describe("an intent that was left open", () => {
  it.each(["before", "after"])(
    "by a kernel that died %s the landing is taken over: one of each effect",
    async (when) => {
      const stop = onRequest(suite.world, async (call, send) => {
        if (call.method !== "PATCH") return await send();
        if (when === "after") await send();
        throw new Error("killed");
      });
      const runId = await suite.world.submit(suite.patch());
      await expect(suite.world.attempt(runId, 1)).rejects.toThrow("killed");
      stop();
      await becomeHolder(runId, endedProcess());
      const run = await suite.world.attempt(runId, 1);
      expect(run.result.success).toBe(true);
      const { data } = await suite.operator.rest.repos.listCommitStatusesForRef({
        ...at,
        ref: run.result.headSha ?? "",
      });
      expect(data.map(({ context }) => context)).toEqual(["jarvis/promotion", "jarvis/sandbox"]);
      expect(await openIntents(suite.world.db)).toEqual([]);
    },
  );

  it("by a process that is only stopped is not taken over: it is fenced, and its head is let through to nobody else", async () => {
    const stop = onRequest(suite.world, async (call, send) => {
      if (call.method === "PATCH") throw new Error("stopped");
      return await send();
    });
    const runId = await suite.world.submit(suite.patch());
    await expect(suite.world.attempt(runId, 1)).rejects.toThrow("stopped");
    stop();
    await becomeHolder(runId, {
      ...thisHolder(),
      pid: process.ppid,
      startedAt: null,
      instance: "x",
    });
    const [intent] = await openIntents(suite.world.db);
    const run = await suite.world.attempt(runId, 1);
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["landing-unresolved"] });
    expect(await openIntents(suite.world.db)).toEqual([]);
    expect(await fenceOf(intent?.headSha ?? null)).toBe("failure");
    const admin = suite.world.database.openAdmin();
    const rows =
      await admin`select outcome, known_by from promotion_intents where id = ${intent?.id ?? 0}`;
    await admin.end();
    expect(rows[0]).toEqual({ outcome: "did-not-happen", known_by: "fenced" });
  });
});

describe("the base", () => {
  it("that is set back between two calls is not taken for the one that was verified", async () => {
    await suite.world.propose(suite.patch());
    const stop = onRequest(suite.world, async (call, send) => {
      const sent = await send();
      if (call.context === "jarvis/promotion") {
        await orderFault(suite.world.forge, {
          match: { operation: "git/get-ref" },
          fault: { kind: "move-branch", when: "before", branch: "main", to: { rewind: 1 } },
        });
      }
      return sent;
    });
    const runId = await suite.world.submit(suite.patch());
    await suite.world.attempt(runId, 1);
    stop();
    const { base } = await suite.host();
    const run = await suite.world.attempt(runId, 1);
    expect(run.result).toMatchObject({ status: "parked", blockReasons: ["base-rewritten"] });
    expect((await suite.host()).base).toBe(base);
    expect(await getPromotionControlState(suite.world.db)).toMatchObject({ paused: true });
    // The person accepts what somebody did.
    const treeSha = await treeOf(suite.world.mirror, base);
    await attest(suite.world.db, {
      sha: base,
      treeSha,
      by: "accepted",
      actor: "anna",
      reason: "so",
    });
    await rememberBase(suite.world.db, base);
  });

  it("that holds a tree which nobody verified pauses promotion until a person has looked", async () => {
    let hasLanded = false;
    const stop = onRequest(suite.world, async (call, send) => {
      const answer = (await send()) as { data: { tree?: { sha: string } } };
      hasLanded ||= call.method === "PATCH";
      if (hasLanded && answer.data.tree !== undefined) answer.data.tree.sha = "0".repeat(40);
      return answer;
    });
    const run = await suite.world.propose(suite.patch());
    stop();
    expect(run.result).toMatchObject({ status: "blocked", blockReasons: ["tree-mismatch"] });
    expect(await getPromotionControlState(suite.world.db)).toMatchObject({
      paused: true,
      updatedBy: "system",
      reason: expect.stringContaining("nobody verified"),
    });
  });

  it("that moves does not keep any of several runs from landing, one by one", async () => {
    const { steps } = suite.world;
    const runs = await Promise.all(
      [1, 2, 3].map(async () => await suite.world.submit(suite.patch())),
    );
    const rounds = await Promise.all(
      runs.map(async (runId, index) => {
        for (let round = 1; ; round += 1) {
          const { stagedSha } = await steps.stage(runId, 1);
          await steps.verify(runId, stagedSha ?? "");
          if (index === 0 && round === 1) await suite.moveBase({ attested: true });
          const { promoted } = await steps.promote(runId, stagedSha ?? "", 1);
          if (!promoted) continue;
          steps.ended(runId);
          return round;
        }
      }),
    );
    expect(Math.max(...rounds)).toBeLessThanOrEqual(3);
    const ended = await Promise.all(
      runs.map(async (runId) => await readRun(suite.world.db, runId)),
    );
    const parents = ended.map((run) => run?.result.baseSha);
    expect(ended.map((run) => run?.result.success)).toEqual([true, true, true]);
    expect(new Set(parents).size).toBe(3);
  });
});

function settling(): SettleWorld {
  return settleWorld(suite.world);
}

async function pause({ waitMs = 0 } = {}): Promise<PauseAnswer> {
  const change = { reason: "a test", updatedBy: "anna" };
  return await pausePromotion(settling(), change, { waitMs });
}

async function resume(): Promise<void> {
  await resumePromotion(settling(), { reason: "a test", updatedBy: "anna" });
}

async function fault(what: FaultInput["fault"], more: FaultInput["match"] = {}): Promise<void> {
  await orderFault(suite.world.forge, {
    match: { operation: "git/update-ref", ...more },
    fault: what,
  });
}

async function fenceOf(sha: string | null): Promise<string | null> {
  const { data } = await suite.operator.rest.repos.listCommitStatusesForRef({
    ...at,
    ref: sha ?? "",
  });
  return data.find(({ context }) => context === "jarvis/promotion")?.state ?? null;
}

async function requireStatuses(contexts: string[]): Promise<void> {
  await suite.operator.rest.repos.updateBranchProtection({
    ...at,
    branch: "main",
    required_status_checks: { strict: true, contexts },
    enforce_admins: true,
    required_pull_request_reviews: null,
    restrictions: null,
  });
}

async function becomeHolder(runId: string, holder: ReturnType<typeof thisHolder>): Promise<void> {
  const admin = suite.world.database.openAdmin();
  await admin`
    update promotion_intents set holder = ${admin.json({ ...holder })}
    where run_id = ${runId} and outcome is null`;
  await admin.end();
}

/** A process that was, as it would have described itself. */
function endedProcess(): ReturnType<typeof thisHolder> {
  const pid = Number(execFileSync("sh", ["-c", "echo $$"], { encoding: "utf8" }));
  return { ...thisHolder(), pid, startedAt: "1", instance: "earlier" };
}
