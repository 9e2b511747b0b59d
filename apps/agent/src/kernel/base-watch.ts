import {
  attendToBase,
  hasBaseMoved,
  lastSeenTree,
  readImportGraph,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import { oneAtATime } from "./reconciler.ts";

/** The forge is ours and near; GitHub counts requests. */
const EVERY_MS = { forge: 5000, github: 30_000 } as const;

/**
 * Notices a base that moved outside of Jarvis, and has it verified before anything is built upon it.
 * Staging looks for itself, so that a look that fails or comes late lets nothing pass.
 */
export function watchBase(
  world: PipelineWorld,
  kind: keyof typeof EVERY_MS,
  onProblem: (error: unknown) => void,
): { stop(): void } {
  const only = oneAtATime(async () => {
    if (await hasBaseMoved(world)) await attendToBase(world);
  });
  const timer = setInterval(() => {
    if (!only.busy()) only.run().catch(onProblem);
  }, EVERY_MS[kind]);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Reads what staging asks first of a change, so that the first one after a start need not wait for it. */
export async function readBaseAhead(world: PipelineWorld): Promise<void> {
  const tree = await lastSeenTree(world);
  if (tree !== null) await readImportGraph(world.mirror, tree);
}
