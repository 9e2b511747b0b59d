import type { ActionDefinition } from "@jarvis/operator-core";
import type { Pipeline, PipelineWorld } from "@jarvis/tools/self-extension";
import type { KernelActions } from "../actions.ts";
import type { ModelConfig } from "../model/model-config.ts";
import type { Model } from "../model/open-model.ts";
import { bodyRequests } from "../serving/body-requests.ts";
import type { Serving } from "../serving/serving.ts";
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
}): ActionDefinition[] {
  const { config, model, world, pipeline } = parts;
  const change = changeGoalAction(() => world().db);
  if (config === null || model === null) return [change];
  return [change, authorAction({ world, submit: pipeline, model, config })];
}

export async function startGoals(parts: {
  readonly world: PipelineWorld;
  readonly actions: KernelActions;
  readonly pipeline: Pick<Pipeline, "submit">;
  readonly config: ModelConfig | null;
  readonly model: Model | null;
  readonly serving: Serving;
  readonly onProblem: (error: unknown) => void;
}): Promise<GoalKeeper> {
  const { world, actions, pipeline, config, model, serving, onProblem } = parts;
  const { executor } = actions;
  return await keepGoals({
    db: world.db,
    executor,
    model: model?.name ?? null,
    stopAsking: (goalId) => model?.stop(goalId),
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
}
