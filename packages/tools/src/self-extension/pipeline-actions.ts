import type { ActionDefinition } from "@jarvis/operator-core";
import type { PipelineWorld } from "./pipeline-world.ts";
import { promoteChangeAction } from "./promotion-action.ts";
import { openConflictAction } from "./revert-conflict.ts";
import { releaseChangeAction } from "./release-action.ts";
import { liftHoldAction } from "./standing-holds.ts";
import { takeOverAction } from "./take-over.ts";

/** What the pipeline does to the world, for the registry of whoever executes it. */
export function pipelineActions(world: () => PipelineWorld): readonly ActionDefinition[] {
  return [
    promoteChangeAction(world),
    releaseChangeAction(world),
    openConflictAction(world),
    liftHoldAction(world),
    takeOverAction(world),
  ];
}
