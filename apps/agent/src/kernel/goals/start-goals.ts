import { readSafetyState, type ActionDefinition } from "@jarvis/operator-core";
import type { Pipeline, PipelineWorld } from "@jarvis/tools/self-extension";
import type { KernelActions } from "../actions.ts";
import type { ModelConfig } from "../model/model-config.ts";
import type { Model } from "../model/open-model.ts";
import { bodyRequests } from "../serving/body-requests.ts";
import type { Serving } from "../serving/serving.ts";
import type { AtWork } from "./at-work.ts";
import { authorAction } from "./author-action.ts";
import { changeGoalAction } from "./goal-action.ts";
import { keepGoals, type GoalKeeper } from "./goal-keeper.ts";

const OTHERWISE_ATTEMPTS = 5;

/** Goals can be kept without a model; only working on them needs one. */
export function goalActions(parts: {
  readonly config: ModelConfig | null;
  readonly model: Model | null;
  readonly world: () => PipelineWorld;
  readonly pipeline: () => Pick<Pipeline, "submit">;
  readonly atWork: AtWork;
}): ActionDefinition[] {
  const { config, model, world, pipeline, atWork } = parts;
  const change = changeGoalAction(() => world().db);
  if (config === null || model === null) return [change];
  return [change, authorAction({ world, submit: pipeline, model, config, atWork })];
}

interface Parts {
  readonly world: PipelineWorld;
  readonly actions: KernelActions;
  readonly pipeline: Pick<Pipeline, "submit">;
  readonly config: ModelConfig | null;
  readonly model: Model | null;
  readonly serving: Serving;
  readonly atWork: AtWork;
  readonly onProblem: (error: unknown) => void;
}

export async function startGoals(parts: Parts): Promise<GoalKeeper> {
  const { world, actions, pipeline, config, model, serving, onProblem } = parts;
  const { executor, safety } = actions;
  const keeper = await keepGoals({
    db: world.db,
    executor,
    model: model?.name ?? null,
    stopAsking: (goalId) => model?.stop(goalId),
    isAtWork: (goalId) => parts.atWork.isOn(goalId),
    attempts: config?.attempts ?? OTHERWISE_ATTEMPTS,
    runsReleases: () => serving.life !== null,
    body: () => serving.life?.serving?.keeper ?? null,
    ask: async (ask, signal) =>
      await bodyRequests({ db: world.db, mirror: world.mirror, executor, pipeline }).ask(
        ask,
        signal,
      ),
    onProblem,
  });
  const forget = safety.onChange(() => void closeTap(parts).catch(onProblem));
  return {
    ...keeper,
    stop() {
      forget();
      keeper.stop();
    },
  };
}

/** A request that runs on when Jarvis shall only observe is ended, whoever said so; so is one of which nobody knows. */
async function closeTap({ world, model }: Pick<Parts, "world" | "model">): Promise<void> {
  const mode = await readSafetyState(world.db).then(
    (state) => state.mode,
    () => "unknown",
  );
  if (mode !== "execute") model?.stop();
}
