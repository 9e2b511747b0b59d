import { beforeEach, describe, expect, it } from "vitest";
import { memoryHost, type MemoryHost } from "../testing/schedules/memory-host.ts";
import { memoryStore, type MemoryStore } from "../testing/schedules/memory-store.ts";
import { noAnswer } from "../testing/promotion-world.ts";
import { promotionFence } from "./promotion-fence.ts";
import { holderState } from "./promotion-holder.ts";
import { land, type Landing } from "./promotion-landing.ts";
import { pausePromotion, resumePromotion, tendIntents } from "./promotion-pause.ts";
import { promotionRemote } from "./promotion-remote.ts";
import type { SettleWorld } from "./settle-intent.ts";

const MINUTE_MS = 60_000;

let host: MemoryHost;
let store: MemoryStore;
let world: SettleWorld;
let head: string;

beforeEach(() => {
  host = memoryHost(null);
  store = memoryStore();
  world = {
    store,
    github: () => host.github,
    holderState,
    wait: async (ms) => await Promise.resolve(store.pass(ms)),
  };
  head = host.commit(base(), "a change");
});

describe("a landing that is refused", () => {
  it("because a pause that was lifted again had closed its fence is tried anew, and lands", async () => {
    await announceEvidence();
    const goOn = replace("git", "updateRef", (real) => async (given) => {
      await pauseUnresolved();
      await resumePromotion(world, { reason: "go on", updatedBy: "anna" });
      return await real(given);
    });
    expect(await tryToLand(null)).toMatchObject({
      kind: "blocked",
      reasons: ["landing-unresolved"],
    });
    goOn();
    expect(await tryToLand(null)).toEqual({ kind: "landed" });
  });

  it("because another status says no is blocked by that", async () => {
    expect(await tryToLand(null)).toMatchObject({ kind: "blocked", reasons: ["status-failing"] });
    expect(fence()).toBe("failure");
  });
});

describe("the fence of a promotion that was given up", () => {
  it("is closed, and not looked at again", async () => {
    expect(await landRefused()).toMatchObject({ kind: "blocked", reasons: ["status-missing"] });
    expect(fence()).toBe("failure");
    expect(await store.intentsToClose()).toEqual([]);
  });

  it("is closed again where a kernel was stopped between reading the status and the clock", async () => {
    await landUnheard();
    const [intent] = await store.openIntents();
    await store.resolveIntent(intent?.id ?? 0, { outcome: "did-not-happen", knownBy: "not-sent" });
    const goOn = onStatusRead(() => store.pass(MINUTE_MS));
    await tendIntents(world);
    goOn();
    await arrive();
    await tendIntents(world);
    expect(fence()).toBe("failure");
    expect(await store.intentsToClose()).toEqual([]);
  });

  it("is closed again where an earlier attempt's request to open it arrives after it was given up", async () => {
    await landUnheard();
    expect(await landRefused()).toMatchObject({ kind: "blocked" });
    expect(fence()).toBe("failure");
    await arrive();
    store.pass(MINUTE_MS);
    await tendIntents(world);
    expect(fence()).toBe("failure");
    expect(await store.intentsToClose()).toEqual([]);
  });

  it("is closed again where that arrives after the next attempt was let through", async () => {
    await landUnheard();
    const goOn = replace("git", "updateRef", (real) => async (given) => {
      host.push("somebody else's");
      return await real(given);
    });
    expect(await tryToLand(null)).toEqual({ kind: "base-moved" });
    goOn();
    await tendIntents(world);
    await arrive();
    store.pass(MINUTE_MS);
    await tendIntents(world);
    expect(fence()).toBe("failure");
    expect(await store.intentsToClose()).toEqual([]);
  });
});

/** The status that the base requires beside the fence. */
async function announceEvidence(): Promise<void> {
  const description = "evidence";
  await promotionRemote(host.github).ensureStatus(head, {
    context: "jarvis/sandbox",
    state: "success",
    description,
    targetUrl: "",
  });
}

/** A pause that closes the fence and gets no answer when it reads the base back after that. */
async function pauseUnresolved(): Promise<void> {
  let isFirst = true;
  const goOn = replace("repos", "compareCommitsWithBasehead", (real) => async (given) => {
    if (!isFirst) throw noAnswer();
    isFirst = false;
    return await real(given);
  });
  const pause = { reason: "freeze", updatedBy: "anna" };
  expect(await pausePromotion(world, pause, { waitMs: 0 })).toMatchObject({ acknowledged: false });
  goOn();
}

/** An attempt whose request to open the fence is on its way when its sender gives up. */
async function landUnheard(): Promise<void> {
  const goOn = replace(
    "repos",
    "createCommitStatus",
    () => async () => await Promise.reject(noAnswer()),
  );
  await expect(tryToLand(null)).rejects.toThrow("fetch failed");
  goOn();
}

async function landRefused(): Promise<Landing> {
  return await tryToLand({ reasons: ["status-missing"], detail: "refused" });
}

async function tryToLand(
  objection: Awaited<ReturnType<Parameters<typeof land>[1]["lastLook"]>>,
): Promise<Landing> {
  const remote = promotionRemote(host.github);
  const change = { runId: "a-run", baseSha: base() };
  return await land(
    { world, remote, attempt: 1, head: { sha: head }, verified: { change } },
    {
      landing: "fast-forward",
      pullRequest: { number: 1, url: "", state: "open", title: "", body: "" },
      isRevert: false,
      isFenced: true,
      lastLook: async () => await Promise.resolve(objection),
    },
  );
}

/** What was on its way takes effect. */
async function arrive(): Promise<void> {
  await promotionFence(host.github).open(head, "Let through for run a-run");
}

function base(): string {
  return host.history()[0] ?? "";
}

function fence(): string | undefined {
  return host.statusesOf(head).find(({ context }) => context === "jarvis/promotion")?.state;
}

/** After each reading of a head's statuses; answers how that ends. */
function onStatusRead(act: () => void): () => void {
  return replace("repos", "listCommitStatusesForRef", (read) => async (given) => {
    const answer = await read(given);
    act();
    return answer;
  });
}

type Request = (given: unknown) => Promise<unknown>;

/** Puts another request in the place of one of the host's; answers how that ends. */
function replace(
  group: "git" | "repos",
  name: string,
  make: (real: Request) => Request,
): () => void {
  const requests = host.github.octokit.rest[group] as unknown as Record<string, Request>;
  const real = requests[name] ?? expect.fail();
  requests[name] = make(real);
  return () => {
    requests[name] = real;
  };
}
