import { connectionProblem } from "./host-problem.ts";
import type { FenceState, PauseAnswer } from "./pause-answer.ts";
import { promotionFence } from "./promotion-fence.ts";
import type { Intent } from "./promotion-intents.ts";
import { alone } from "./landing-memory.ts";
import { closeFences, settleIntent, type SettleWorld } from "./settle-intent.ts";

const LOOK_EVERY_MS = 200;

/**
 * Pauses promotion and answers when no promotion can land any more: every intent that was open is
 * resolved by reading back, and the fence is read. What is not resolved within `waitMs` is named,
 * and not acknowledged; promotion is paused all the same, and whoever looks next goes on with it.
 * `onStuck` is called once for each intent that only the end of a process resolves, and may end it.
 */
export async function pausePromotion(
  world: SettleWorld,
  change: { readonly reason: string; readonly updatedBy: string },
  options: {
    readonly waitMs: number;
    readonly onStuck?: () => Promise<void>;
  },
): Promise<PauseAnswer> {
  const { store } = world;
  const before = await store.readControl();
  // Asked again by who waits for the acknowledgement: the switch stands as it is.
  const isRepeated =
    before.paused &&
    before.problem === null &&
    before.reason === change.reason &&
    before.updatedBy === change.updatedBy;
  const control = isRepeated ? before : await store.setControl({ ...change, paused: true });
  // Whatever is announced from here on is refused by the database, but for reverts.
  const open = await forwardIntents(store);
  const unresolved = await drain(world, options);
  const drained = (await store.readIntents(open.map(({ id }) => id))).flatMap(describeDrained);
  await tidyFences(world);
  // Somebody may have resumed meanwhile. In this order: what is announced after the reading of the
  // switch is refused by it.
  const { paused } = await store.readControl();
  const isQuiet = (await forwardIntents(store)).length === 0;
  const answer: PauseAnswer = {
    paused,
    acknowledged: paused && isQuiet && unresolved.length === 0,
    drained,
    unresolved,
    reverts: await revertsLanded(world, new Date(control.updatedAt)),
    fence: await readFenceState(world),
    inFlight: unresolved.map(({ runId }) => runId),
  };
  if (answer.acknowledged || !isRepeated) await store.recordAcknowledgement(control, answer);
  return answer;
}

/** Lifts the pause, and says what reverts have landed under it. */
export async function resumePromotion(
  world: SettleWorld,
  change: { readonly reason: string; readonly updatedBy: string },
): Promise<PauseAnswer> {
  const before = await world.store.readControl();
  const reverts = before.paused ? await revertsLanded(world, new Date(before.updatedAt)) : [];
  const { paused } = await world.store.setControl({ ...change, paused: false });
  return {
    paused,
    acknowledged: true,
    drained: [],
    unresolved: [],
    reverts,
    fence: await readFenceState(world),
    inFlight: [],
  };
}

/**
 * Goes on with what an earlier pause could not resolve, and closes what fences were left open. To be
 * called again and again. While promotion is not paused, an open intent is its run's to go on with.
 */
export async function tendIntents(world: SettleWorld): Promise<void> {
  const { paused } = await world.store.readControl();
  if (!paused) {
    await alone(async () => await closeFences(world));
    return;
  }
  for (const intent of await world.store.openIntents()) {
    await settleIntent(world, intent, { isPaused: true });
  }
  await closeFences(world);
}

/** What the base's protection says of the fence; unknown where the host does not answer. */
export async function readFenceState(world: Pick<SettleWorld, "github">): Promise<FenceState> {
  try {
    return await promotionFence(world.github()).state();
  } catch (error) {
    if (connectionProblem(error) === null) throw error;
    return "unknown";
  }
}

async function drain(
  world: SettleWorld,
  options: { readonly waitMs: number; readonly onStuck?: () => Promise<void> },
): Promise<PauseAnswer["unresolved"]> {
  const deadline = performance.now() + options.waitMs;
  const asked = new Set<number>();
  for (;;) {
    const unresolved: PauseAnswer["unresolved"] = [];
    for (const intent of await forwardIntents(world.store)) {
      const settled = await settleIntent(world, intent, { isPaused: true });
      if (settled.settled) continue;
      unresolved.push({ runId: intent.runId, headSha: intent.headSha, why: settled.why });
      if (settled.waitsFor === "holder" && !asked.has(intent.id)) {
        asked.add(intent.id);
        await options.onStuck?.();
      }
    }
    // Looked at once more: what was resolved by its holder meanwhile is not in the way.
    if (unresolved.length === 0 || performance.now() >= deadline) return unresolved;
    await world.wait(LOOK_EVERY_MS);
  }
}

/** What cannot be tidied up now is tidied up later: nothing can land by it. */
async function tidyFences(world: SettleWorld): Promise<void> {
  try {
    await closeFences(world);
  } catch (error) {
    if (connectionProblem(error) === null) throw error;
  }
}

async function forwardIntents(store: SettleWorld["store"]): Promise<Intent[]> {
  return (await store.openIntents()).filter(({ isRevert }) => !isRevert);
}

async function revertsLanded(
  { store }: Pick<SettleWorld, "store">,
  since: Date,
): Promise<PauseAnswer["reverts"]> {
  return (await store.revertsLandedSince(since)).map(({ runId, mergeSha }) => ({
    runId,
    mergeSha: mergeSha ?? "",
  }));
}

function describeDrained(intent: Intent): PauseAnswer["drained"] {
  const { runId, headSha, outcome, knownBy, mergeSha } = intent;
  return outcome === null ? [] : [{ runId, headSha, outcome, knownBy: knownBy ?? "", mergeSha }];
}
