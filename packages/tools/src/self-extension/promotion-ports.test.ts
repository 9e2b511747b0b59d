import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makePromotionWorld, type PromotionWorld } from "../testing/promotion-world.ts";
import { memoryHost } from "../testing/schedules/memory-host.ts";
import { memoryStore } from "../testing/schedules/memory-store.ts";
import { realHost, realTarget } from "../testing/schedules/real-world.ts";
import type { GitHubTarget } from "./pipeline-world.ts";
import { promotionFence } from "./promotion-fence.ts";
import type { Intent } from "./promotion-intents.ts";
import { landingRefusal } from "./landing-refusal.ts";
import { promotionRemote } from "./promotion-remote.ts";
import { promotionStore, type PromotionStore } from "./promotion-store.ts";

let suite: PromotionWorld;

beforeAll(async () => {
  suite = await makePromotionWorld();
});

afterAll(async () => await suite.close());

const stores = {
  "the database": () => promotionStore(suite.world.db),
  memory: () => memoryStore(),
};

describe.each(Object.entries(stores))(
  "the order of promotions and pauses, kept in %s",
  (_, make) => {
    let store: PromotionStore;
    let heads = 0;

    beforeAll(() => {
      store = make();
    });

    beforeEach(async () => {
      for (const { id } of await store.openIntents()) {
        await store.resolveIntent(id, { outcome: "did-not-happen", knownBy: "not-sent" });
      }
      await setPaused(false);
    });

    it("says what the switch is, and who set it", async () => {
      expect(await setPaused(true)).toMatchObject({ paused: true, updatedBy: "anna" });
      expect(await store.readControl()).toMatchObject({
        paused: true,
        reason: "test",
        problem: null,
      });
    });

    it("takes one announcement at a time, and one of a revert beside it", async () => {
      const first = await announce();
      expect(first).toMatchObject({ phase: "recorded", outcome: null, landingAt: null });
      expect(await store.recordIntent(facts())).toMatchObject({
        kind: "taken",
        by: { id: first.id },
      });
      const revert = await store.recordIntent({ ...facts(), isRevert: true });
      expect(revert.kind).toBe("recorded");
      expect((await store.openIntents()).map(({ isRevert }) => isRevert)).toEqual([false, true]);
    });

    it("takes none while promotion is paused, but for a revert, and lets none through", async () => {
      const before = await announce();
      const revert = await store.recordIntent({ ...facts(), isRevert: true });
      await setPaused(true);
      expect(await store.letThrough(before)).toBe("paused");
      if (revert.kind !== "recorded") throw new Error("expected an intent");
      expect(await store.letThrough(revert.intent)).toBe("through");
      await store.resolveIntent(before.id, { outcome: "did-not-happen", knownBy: "not-sent" });
      expect(await store.recordIntent(facts())).toEqual({ kind: "paused" });
    });

    it("lets through what is open, each time, and nothing that is resolved", async () => {
      const intent = await announce();
      expect(await store.sinceLetThroughMs(intent.id)).toBe(Infinity);
      expect([await store.letThrough(intent), await store.letThrough(intent)]).toEqual([
        "through",
        "through",
      ]);
      expect(await store.sinceLetThroughMs(intent.id)).toBeLessThan(30_000);
      expect(await store.resolveUnlessLetThrough(intent.id)).toBeNull();
      await store.resolveIntent(intent.id, { outcome: "did-not-happen", knownBy: "fenced" });
      expect(await store.letThrough(intent)).toBe("resolved");
    });

    it("keeps the first word on what became of one", async () => {
      const intent = await announce();
      const mergeSha = intent.headSha;
      const landed = { outcome: "landed", knownBy: "read-back", mergeSha } as const;
      expect(await store.resolveIntent(intent.id, landed)).toMatchObject(landed);
      const other = { outcome: "did-not-happen", knownBy: "refused" } as const;
      expect(await store.resolveIntent(intent.id, other)).toMatchObject(landed);
      expect(await store.readIntents([intent.id])).toMatchObject([landed]);
      const next = await announce();
      await store.resolveLanded(next.headSha, next.headSha);
      expect(await store.readIntents([next.id])).toMatchObject([{ outcome: "landed" }]);
    });

    it("knows whose fence is to be closed, until it was, and not of what is about to land", async () => {
      const intent = await announce();
      const unlet = await store.resolveUnlessLetThrough(intent.id);
      expect(unlet).toMatchObject({ outcome: "did-not-happen", knownBy: "not-let-through" });
      const wanted = async (): Promise<boolean> =>
        (await store.intentsToClose()).some(({ id }) => id === intent.id);
      expect(await wanted()).toBe(true);
      const again = await store.recordIntent({ ...facts(), headSha: intent.headSha });
      expect(await wanted()).toBe(false);
      if (again.kind !== "recorded") throw new Error("expected an intent");
      await store.resolveIntent(again.intent.id, {
        outcome: "did-not-happen",
        knownBy: "not-sent",
      });
      await store.noteFenceClosed(intent.id);
      expect(await wanted()).toBe(false);
    });

    it("remembers what was sent and never answered", async () => {
      const intent = await announce();
      await store.letThrough(intent);
      await store.resolveIntent(intent.id, { outcome: "did-not-happen", knownBy: "fenced" });
      const given = await store.givenUpLandings(intent.headSha);
      expect(given.map(({ id }) => id)).toEqual([intent.id]);
      const opened = await announce();
      await store.resolveIntent(opened.id, { outcome: "did-not-happen", knownBy: "not-sent" });
      const again = await store.recordIntent({ ...facts(), headSha: opened.headSha });
      if (again.kind !== "recorded") throw new Error("expected an intent");
      expect(await store.doubtfulOpenings(again.intent)).toHaveLength(1);
      expect(await store.isOfEarlierLeadership(again.intent.id)).toBe(false);
      const taken = await store.takeOverIntent(again.intent);
      expect(taken).toMatchObject({ id: again.intent.id });
      if (taken === null) return;
      expect(await store.doubtfulOpenings(taken)).toHaveLength(2);
      // Whoever was let through had heard of its opening: going on with that adds no doubt.
      await store.letThrough(taken);
      const { takenOverAt } = taken.holder;
      expect((await store.takeOverIntent(taken))?.holder.takenOverAt).toBe(takenOverAt);
      await store.resolveIntent(taken.id, { outcome: "did-not-happen", knownBy: "refused" });
      expect(await store.takeOverIntent(taken)).toBeNull();
    });

    it("names reverts that have landed since", async () => {
      const { updatedAt } = await setPaused(true);
      const revert = await store.recordIntent({ ...facts(), isRevert: true });
      if (revert.kind !== "recorded") throw new Error("expected an intent");
      const since = new Date(new Date(updatedAt).getTime() - 1000);
      expect(await store.revertsLandedSince(since)).toEqual([]);
      await store.resolveLanded(revert.intent.headSha, revert.intent.headSha);
      expect(await store.revertsLandedSince(since)).toMatchObject([{ id: revert.intent.id }]);
    });

    async function announce(): Promise<Intent> {
      const announced = await store.recordIntent(facts());
      if (announced.kind !== "recorded")
        throw new Error(`expected an intent, got ${announced.kind}`);
      return announced.intent;
    }

    async function setPaused(paused: boolean) {
      return await store.setControl({ paused, reason: "test", updatedBy: "anna" });
    }

    function facts() {
      heads += 1;
      const headSha = String(heads).padStart(40, "0");
      return {
        runId: `run-${heads}`,
        attempt: 1,
        headSha,
        baseSha: "f".repeat(40),
        isRevert: false,
      };
    }
  },
);

interface Port {
  readonly github: GitHubTarget;
  commit(parent: string, label: string): Promise<string>;
  push(label: string): Promise<string>;
}

const hosts = {
  "the forge": (): Port => {
    const { commit, push } = realHost(suite.world);
    return { github: realTarget(suite.world.forge, null), commit, push };
  },
  memory: (): Port => {
    const host = memoryHost(null);
    return {
      github: host.github,
      commit: async (parent, label) => await Promise.resolve(host.commit(parent, label)),
      push: async (label) => await Promise.resolve(host.push(label)),
    };
  },
};

describe.each(Object.entries(hosts))("the repository host that is %s", (_, make) => {
  const text = { title: "A change", body: "of somebody" };
  const evidence = { context: "jarvis/sandbox", state: "success", targetUrl: "http://x" } as const;

  it("does each effect once, and shows it", async () => {
    const port = make();
    const remote = promotionRemote(port.github);
    const base = await remote.readBase();
    const head = await port.commit(base, "once");
    const branch = "jarvis/once";
    expect(await remote.ensureBranch(branch, head)).toBe(head);
    const other = await port.commit(base, "other");
    expect(await remote.ensureBranch(branch, other)).toBe(head);
    const pull = await remote.ensurePullRequest(branch, text);
    expect(await remote.ensurePullRequest(branch, text)).toMatchObject({ number: pull.number });
    expect(await remote.findPullRequest(branch)).toMatchObject({ state: "open", ...text });
    for (let times = 0; times < 2; times += 1) {
      await remote.ensureStatus(head, { ...evidence, description: "one" });
    }
    expect(await remote.readProtection()).toMatchObject({
      contexts: ["jarvis/sandbox", "jarvis/promotion"],
      ofEverybody: ["jarvis/sandbox", "jarvis/promotion"],
    });
    expect(await remote.landedAs(head)).toBeNull();
    await remote.abandon(branch, other);
    expect(await remote.findPullRequest(branch)).toMatchObject({ state: "closed" });
    expect(await remote.ensureBranch(branch, other)).toBe(head);
    await remote.deleteBranch(branch, head);
    expect(await remote.ensureBranch(branch, other)).toBe(other);
    await remote.deleteBranch(branch, other);
  });

  it("refuses what is not let through, and what is no fast-forward, in words that are understood", async () => {
    const port = make();
    const remote = promotionRemote(port.github);
    const fence = promotionFence(port.github);
    const base = await remote.readBase();
    const head = await port.commit(base, "let");
    await remote.ensureBranch("jarvis/let", head);
    const pull = await remote.ensurePullRequest("jarvis/let", text);
    const land = async (): Promise<string | null> =>
      await remote.fastForwardBase(head).then(
        () => null,
        (error: unknown) => landingRefusal(error)?.reason ?? String(error),
      );
    expect(await land()).toBe("status-failing");
    await remote.ensureStatus(head, { ...evidence, description: "let" });
    expect(await land()).toBe("status-failing");
    expect(await fence.state()).toBe("enforced");
    await fence.close(head, "it was never open");
    await fence.open(head, "now");
    await fence.close(head, "not any more");
    expect(await land()).toBe("status-failing");
    await fence.open(head, "now again");
    const pushed = await port.push("in-between");
    expect(await land()).toBe("base-moved");
    expect(await remote.landedAs(head)).toBeNull();
    expect(await remote.readBase()).toBe(pushed);
    expect(pull.state).toBe("open");
    await remote.abandon("jarvis/let", head);
  });

  it("finds the fence behind however many statuses of others", async () => {
    const port = make();
    const remote = promotionRemote(port.github);
    const fence = promotionFence(port.github);
    const head = await port.commit(await remote.readBase(), "many");
    await fence.open(head, "now");
    const { octokit, owner, repo } = port.github;
    const status = { owner, repo, sha: head, state: "success" } as const;
    for (let n = 0; n < 101; n += 1) {
      await octokit.rest.repos.createCommitStatus({ ...status, context: `other/${n}` });
    }
    expect(await fence.isOpen(head)).toBe(true);
    await fence.close(head, "not any more");
    expect(await fence.isOpen(head)).toBe(false);
  });

  it("moves the base to what may land, once, and tells where it is from then on", async () => {
    const port = make();
    const remote = promotionRemote(port.github);
    const fence = promotionFence(port.github);
    const head = await port.commit(await remote.readBase(), "lands");
    await remote.ensureBranch("jarvis/lands", head);
    await remote.ensurePullRequest("jarvis/lands", text);
    await remote.ensureStatus(head, { ...evidence, description: "lands" });
    await fence.open(head, "now");
    await remote.fastForwardBase(head);
    expect(await remote.readBase()).toBe(head);
    expect(await remote.landedAs(head)).toBe(head);
    expect(await remote.findPullRequest("jarvis/lands")).toMatchObject({ state: "closed" });
    const tree = await remote.treeOf(head);
    expect(tree).toMatch(/^[0-9a-f]{40}$/);
    await port.push("later");
    expect(await remote.landedAs(head)).toBe(head);
    await remote.deleteBranch("jarvis/lands", head);
  });
});
