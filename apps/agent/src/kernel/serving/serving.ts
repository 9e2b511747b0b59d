import { messageOf } from "@jarvis/db";
import { readSafetyState } from "@jarvis/operator-core";
import {
  lastSeenTree,
  loadConfig,
  type Pipeline,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import type { KernelActions } from "../actions.ts";
import { bodyRequests } from "./body-requests.ts";
import type { KernelMove } from "../move/kernel-move.ts";
import { CoolDown } from "../cool-down.ts";
import { ReleaseLife } from "./release-life.ts";
import { releaseSettings } from "./release-settings.ts";
import type { KernelFollower } from "./release-life-parts.ts";
import type { RollbackJobs } from "./rollback-action.ts";
import type { WatchedRelease } from "./watched-release.ts";

const EVERY_MS = 500;
/** A first release may take a compiler to find out that it cannot be built. */
const betweenStarts = { firstMs: 2_000, longestMs: 60_000 };

export interface ServingParts {
  readonly world: PipelineWorld;
  readonly actions: KernelActions;
  readonly pipeline: Pick<Pipeline, "submit">;
  readonly rollbacks: RollbackJobs;
  readonly move: KernelMove;
  readonly stateDir: string;
  /** Lets waiting runs look again. */
  readonly reconcile: () => Promise<void>;
  readonly onProblem: (error: unknown) => void;
}

export interface Serving {
  /** Null where the base names no body: then nothing of the repository runs. */
  readonly life: ReleaseLife | null;
  /** Why no release serves although there is a body to run, for people. */
  readonly problem: string | null;
  stop(): Promise<void>;
}

/**
 * Runs what was promoted, where the base says how. The first release is built while the kernel is up
 * already: whoever only wants to look, or to stop things, does not wait for a compiler.
 */
export async function startServing(parts: ServingParts): Promise<Serving> {
  const { world, actions } = parts;
  const tree = await lastSeenTree(world);
  const config = tree === null ? null : await loadConfig(world.mirror, tree);
  if (config?.body === undefined) {
    return { life: null, problem: null, stop: async () => await Promise.resolve() };
  }
  const requests = bodyRequests({
    db: world.db,
    mirror: world.mirror,
    executor: actions.executor,
    pipeline: parts.pipeline,
  });
  const life = new ReleaseLife({
    world,
    settings: releaseSettings(world, { ...config, body: config.body }, requests),
    stateDir: parts.stateDir,
    kernel: kernelFollower(parts),
    asAction: async (rollback, work) =>
      await parts.rollbacks.asAction(actions.executor, rollback, work),
    suspension: async () => await suspensionOf(world),
    onSettled: parts.reconcile,
    onProblem: parts.onProblem,
  });
  let problem: string | null = null;
  let isUp = false;
  let isOver = false;
  let isTending = false;
  const coolDown = new CoolDown(betweenStarts);
  const failed = (error: unknown): void => {
    if (isOver) return;
    problem = messageOf(error);
    parts.onProblem(error);
  };

  async function look(): Promise<void> {
    if (isTending || isOver || !coolDown.isOver) return;
    isTending = true;
    try {
      if (!isUp) {
        coolDown.begin();
        await life.start();
        coolDown.reset();
      }
      // Where the rest fails it is not started again: its bodies run.
      isUp = true;
      await life.tend();
      problem = null;
    } catch (error) {
      failed(error);
    } finally {
      isTending = false;
    }
  }

  const timer = setInterval(() => void look(), EVERY_MS);
  timer.unref();
  const forget = actions.safety.onChange(() => void life.followSwitches().catch(failed));
  void look();
  return {
    life,
    get problem() {
      return problem ?? gaveUp(life);
    },
    async stop() {
      isOver = true;
      clearInterval(timer);
      forget();
      await life.stop();
    },
  };
}

/** A body that crashed too often serves nothing, whatever else goes well. */
function gaveUp({ serving, candidate }: ReleaseLife): string | null {
  if (candidate !== null || serving?.keeper.state !== "gave-up") return null;
  return `The body of the release ${serving.facts.sha} does not stay up; it is begun again now and then.`;
}

/** The kernel follows what is blessed; where that fails it stays what it is, and says so. */
function kernelFollower({ move, world, actions, onProblem }: ServingParts): KernelFollower {
  const moving = {
    world,
    executor: actions.executor,
    mayExecute: async () => (await suspensionOf(world)) === null,
  };
  return {
    isMoving: () => move.isMoving,
    follow: async (pointer) => await move.follow(pointer, moving).catch(onProblem),
  };
}

/** Nothing of a body runs while Jarvis only observes, or while nobody can say whether it does. */
async function suspensionOf(
  world: PipelineWorld,
): Promise<Parameters<WatchedRelease["keeper"]["suspend"]>[0] | null | "unknown"> {
  const state = await readSafetyState(world.db);
  if (state.mode === "execute") return null;
  if (!state.trusted) {
    if (state.problem === "database-unreachable") return "unknown";
    return { by: "system", reason: "observe-only" };
  }
  return {
    by: state.updatedBy,
    reason: state.killSwitch === true ? "kill-switch" : "observe-only",
  };
}
