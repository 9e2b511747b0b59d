import type { ActionDefinition } from "@jarvis/operator-core";
import { liftHoldAction } from "./holds.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { promoteChangeAction } from "./promotion-action.ts";
import { releaseChangeAction } from "./release-action.ts";

/** What the pipeline does to the world, for the registry of whoever executes it. */
export function pipelineActions(world: () => PipelineWorld): readonly ActionDefinition[] {
  return [promoteChangeAction(world), releaseChangeAction(world), liftHoldAction(world)];
}
