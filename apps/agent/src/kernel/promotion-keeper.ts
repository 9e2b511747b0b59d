import {
  closeEnded,
  eachInTurn,
  pausePromotion,
  readFenceState,
  resumePromotion,
  settleWorld,
  tendIntents,
  type FenceState,
  type PauseAnswer,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import { letOthersPass } from "./others-pass.ts";
import { HOST_EVERY_MS } from "./host-pace.ts";
import { oneAtATime } from "./reconciler.ts";

/** A host that does not answer must not keep the kernel from starting. */
const FIRST_LOOK_MS = 3000;

/** Pauses and resumes promotion, and goes on with what a pause or a dead kernel has left. */
export interface PromotionKeeper {
  /** What the base's protection said of the fence at the last look. */
  readonly fence: FenceState;
  pause(change: { reason: string; actor: string; waitMs: number }): Promise<PauseAnswer>;
  resume(change: { reason: string; actor: string }): Promise<PauseAnswer>;
  stop(): void;
}

export async function keepPromotions(
  world: PipelineWorld,
  kind: keyof typeof HOST_EVERY_MS,
  onProblem: (error: unknown) => void,
): Promise<PromotionKeeper> {
  const settling = settleWorld(world);
  let fence: FenceState = "unknown";
  const others = letOthersPass(world);
  const ended = closeEnded(world);
  const only = oneAtATime(async () => {
    fence = await readFenceState(settling);
    await tendIntents(settling);
    if (fence === "unknown") return;
    await eachInTurn([others, ended], async (look) => await look());
  });
  const timer = setInterval(() => {
    if (!only.busy()) only.run().catch(onProblem);
  }, HOST_EVERY_MS[kind]);
  timer.unref();
  const first = only.run().catch(onProblem);
  await Promise.race([first, new Promise((resolve) => setTimeout(resolve, FIRST_LOOK_MS))]);
  return {
    get fence() {
      return fence;
    },
    async pause({ reason, actor, waitMs }) {
      const answer = await pausePromotion(settling, { reason, updatedBy: actor }, { waitMs });
      fence = answer.fence;
      return answer;
    },
    async resume({ reason, actor }) {
      return await resumePromotion(settling, { reason, updatedBy: actor });
    },
    stop: () => clearInterval(timer),
  };
}
