import { setTimeout as sleep } from "node:timers/promises";
import { connectionProblem } from "./host-problem.ts";
import { isAnswered, isUnderWay } from "./landing-memory.ts";
import type { GitHubTarget, PipelineWorld } from "./pipeline-world.ts";
import { promotionFence } from "./promotion-fence.ts";
import { isThisProcess, type HolderState, type IntentHolder } from "./promotion-holder.ts";
import type { Intent } from "./promotion-intents.ts";
import { promotionRemote } from "./promotion-remote.ts";
import { promotionStore, type PromotionStore } from "./promotion-store.ts";

/** What settling works with; `github` is asked for anew each time, since a forge may move. */
export interface SettleWorld {
  readonly store: PromotionStore;
  readonly github: () => GitHubTarget;
  /** Whether a process still runs: `holderState`, or what knows more than it. */
  readonly holderState: (holder: IntentHolder) => HolderState;
  /** Lets so much time pass. */
  readonly wait: (ms: number) => Promise<unknown>;
}

/** What a pipeline settles and lands with. */
export function settleWorld(
  world: Pick<PipelineWorld, "db" | "github" | "holderState">,
): SettleWorld {
  const { db, holderState } = world;
  return { store: promotionStore(db), github: () => world.github, holderState, wait: sleep };
}

export type Settled = { readonly settled: true; readonly intent: Intent } | Unsettled;

export interface Unsettled {
  readonly settled: false;
  readonly why: string;
  /** What has to change: the host has to answer, time to pass, or the holder to end. */
  readonly waitsFor: "host" | "time" | "holder";
}

const onItsWay: Unsettled = {
  settled: false,
  why: "a request that lets it land may still be on its way",
  waitsFor: "time",
};

function heldBy({ pid }: IntentHolder): Unsettled {
  return { settled: false, why: `process ${pid} may still land it`, waitsFor: "holder" };
}

/**
 * How long a request may still take effect after its sender is gone. GitHub ends a request after ten
 * seconds; without a fence nothing better is known.
 */
const REQUEST_LIFE_MS = 60_000;

/** When a process was first seen dead: what it had sent may take effect for a while after that. */
const seenDead = new Map<string, number>();

/**
 * Whether a request to land a head may still be on its way, of an intent that was given up. As long
 * as that is so its fence must not be opened again. Null where there is none.
 */
export async function mayStillLand(world: SettleWorld, headSha: string): Promise<Unsettled | null> {
  for (const intent of await world.store.givenUpLandings(headSha)) {
    const { id, holder } = intent;
    if (isThisProcess(holder)) {
      if (isAnswered(intent) || (await world.store.sinceLetThroughMs(id)) >= REQUEST_LIFE_MS)
        continue;
      return onItsWay;
    }
    // Who led before sends nothing any more, wherever it runs and if it wakes up.
    if (await world.store.isOfEarlierLeadership(id)) {
      if ((await world.store.sinceLetThroughMs(id)) >= REQUEST_LIFE_MS) continue;
      return onItsWay;
    }
    if (world.holderState(holder) !== "dead") return heldBy(holder);
    const since = seenDead.get(holder.instance) ?? performance.now();
    seenDead.set(holder.instance, since);
    if (performance.now() - since < REQUEST_LIFE_MS) return onItsWay;
  }
  return null;
}

/**
 * Finds out what became of an open intent of somebody else, or of a promotion that was given up, and
 * says so. Time alone resolves nothing. That it did not happen is said
 *
 * - of one that was never let through, once it cannot be any more: promotion is paused, or its holder
 *   is dead, or another kernel leads since. Being let through goes by the database, so nobody is asked;
 * - of one that was let through, once the host was read back as refusing its head, and after that as
 *   not holding it: a holder that was stopped may wake up then;
 * - without a fence, once its holder is dead, or this process has no request under way any more, and
 *   a request that was on its way has had its time.
 *
 * Otherwise it stays open.
 */
export async function settleIntent(
  world: SettleWorld,
  intent: Intent,
  { isPaused }: { readonly isPaused: boolean },
): Promise<Settled> {
  const state = world.holderState(intent.holder);
  const cannotBegin =
    (isPaused && !intent.isRevert) ||
    state === "dead" ||
    (await world.store.isOfEarlierLeadership(intent.id));
  if (intent.phase === "recorded" && cannotBegin) {
    const resolved = await world.store.resolveUnlessLetThrough(intent.id);
    if (resolved !== null) return { settled: true, intent: resolved };
  }
  try {
    return await askHost(world, intent, state);
  } catch (error) {
    const problem = connectionProblem(error);
    if (problem === null) throw error;
    // A part of a sentence, as every other reason.
    return { settled: false, why: problem.replace(/\.$/, ""), waitsFor: "host" };
  }
}

async function askHost(world: SettleWorld, intent: Intent, state: HolderState): Promise<Settled> {
  const landed = await resolveWhereLanded(world, intent);
  if (landed !== null) return landed;
  // A revert is never fenced.
  if (!intent.isRevert) {
    const fence = promotionFence(world.github());
    // In this order: what may open it has arrived before it is closed, and what is read as enforced
    // counts for the closed status.
    const doubt = await whyFenceMayOpen(world, intent);
    await fence.close(intent.headSha, "Promotion was paused or given up; it is tried anew");
    if ((await fence.state()) === "enforced") {
      return doubt ?? (await resolveAsNot(world, intent, "fenced"));
    }
  }
  if (state !== "dead" && !isThisProcess(intent.holder)) return heldBy(intent.holder);
  const isOver = isThisProcess(intent.holder) && isAnswered(intent);
  const isRecent = (await world.store.sinceLetThroughMs(intent.id)) < REQUEST_LIFE_MS;
  if (isUnderWay(intent) || (!isOver && isRecent)) return onItsWay;
  return await resolveAsNot(world, intent, "holder-ended");
}

/**
 * A fence that is closed stays closed, but for a request to open the same head's that somebody sent
 * before, and never heard of: it may arrive now. Null where there is none.
 */
async function whyFenceMayOpen(world: SettleWorld, intent: Intent): Promise<Unsettled | null> {
  for (const { holder, ageMs } of await world.store.doubtfulOpenings(intent)) {
    const isForeign = holder !== null && !isThisProcess(holder);
    if (isForeign && world.holderState(holder) !== "dead") return heldBy(holder);
    if (ageMs < REQUEST_LIFE_MS) return onItsWay;
  }
  return null;
}

async function resolveWhereLanded(world: SettleWorld, intent: Intent): Promise<Settled | null> {
  const mergeSha = await promotionRemote(world.github()).landedAs(intent.headSha);
  if (mergeSha === null) return null;
  const resolution = { outcome: "landed", mergeSha, knownBy: "read-back" } as const;
  return { settled: true, intent: await world.store.resolveIntent(intent.id, resolution) };
}

/** Nothing can land it any more: what the base holds now is how it ended. */
async function resolveAsNot(
  world: SettleWorld,
  intent: Intent,
  knownBy: "fenced" | "holder-ended",
): Promise<Settled> {
  const landed = await resolveWhereLanded(world, intent);
  if (landed !== null) return landed;
  const resolution = { outcome: "did-not-happen", knownBy } as const;
  const resolved = await world.store.resolveIntent(intent.id, resolution);
  // That its fence is closed for good is for `closeFences` to say.
  return { settled: true, intent: resolved };
}

/**
 * Closes the fence of what did not land, where that was not done or could not be. To be called while
 * promotion is paused, or `alone`: else the same head may be about to land anew.
 */
export async function closeFences(world: SettleWorld): Promise<void> {
  for (const intent of await world.store.intentsToClose()) {
    // In this order: what was still on its way has arrived when the status is read.
    const mayBeOpened = await mayFenceBeOpened(world, intent);
    await promotionFence(world.github()).close(intent.headSha, "This promotion did not happen");
    if (!mayBeOpened) await world.store.noteFenceClosed(intent.id);
  }
}

/** Whether a holder may be about to open the fence of a promotion that was given up, or has asked to. */
async function mayFenceBeOpened({ store }: SettleWorld, intent: Intent): Promise<boolean> {
  // Whoever was let through had its answer before; who had the intent before it may have had none.
  if (intent.phase === "recorded" && (await store.sinceResolvedMs(intent.id)) < REQUEST_LIFE_MS) {
    return true;
  }
  return (await store.doubtfulOpenings(intent)).some(({ ageMs }) => ageMs < REQUEST_LIFE_MS);
}
