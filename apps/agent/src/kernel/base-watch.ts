import { readSafetyState } from "@jarvis/operator-core";
import {
  attendToBase,
  lastSeenTree,
  movedBase,
  readImportGraph,
  refuseWithoutRoom,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import { CoolDown } from "./cool-down.ts";
import { HOST_EVERY_MS } from "./host-pace.ts";
import { oneAtATime } from "./reconciler.ts";

/** Between verifications of one commit that came to no verdict: each may install and build. */
const betweenAttempts = { firstMs: 15_000, longestMs: 600_000 };

/**
 * Notices a base that moved outside of Jarvis, and has it verified before anything is built upon it.
 * Staging looks for itself, so that a look that fails or comes late lets nothing pass.
 */
export function watchBase(
  world: PipelineWorld,
  kind: keyof typeof HOST_EVERY_MS,
  onProblem: (error: unknown) => void,
): { stop(): void } {
  const coolDown = new CoolDown(betweenAttempts);
  let attended: string | null = null;
  const only = oneAtATime(async () => {
    const base = await movedBase(world);
    if (base === null) return;
    if (base !== attended) coolDown.reset();
    if (!coolDown.isOver || !(await mayVerify(world))) return;
    attended = base;
    coolDown.begin();
    await attendToBase(world);
  });
  const timer = setInterval(() => {
    if (!only.busy()) only.run().catch(onProblem);
  }, HOST_EVERY_MS[kind]);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** After a kill nothing is tested until a mode is set, and without room nothing is begun. */
async function mayVerify(world: PipelineWorld): Promise<boolean> {
  const state = await readSafetyState(world.db);
  const isKilled = !state.trusted || state.killSwitch === true;
  return !isKilled && (await refuseWithoutRoom(world)) === null;
}

/** Reads what staging asks first of a change, so that the first one after a start need not wait for it. */
export async function readBaseAhead(world: PipelineWorld): Promise<void> {
  const tree = await lastSeenTree(world);
  if (tree !== null) await readImportGraph(world.mirror, tree);
}
