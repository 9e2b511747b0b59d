import type { GuardConfig, Stage } from "../guard-config.ts";
import { matcher } from "../protected-paths.ts";

/**
 * The stages a change needs. A stage with `when` is left out where the change does not touch its
 * paths; where that would leave no test stage at all, every one runs: no change goes untested.
 */
export function neededStages(config: GuardConfig, changedPaths: readonly string[]): Stage[] {
  const isTouched = (globs: readonly string[]): boolean => changedPaths.some(matcher(globs));
  const isNeeded = (stage: Stage): boolean =>
    !("when" in stage) || stage.when === undefined || isTouched(stage.when);
  const needed = config.stages.filter(isNeeded);
  if (needed.some((stage) => stage.kind === "test")) return needed;
  return config.stages.filter((stage) => stage.kind === "test" || isNeeded(stage));
}

/**
 * The stages in the configured order, in groups that may run side by side. A build is alone: what is
 * configured after it runs on its output, what is configured before it decides whether it runs.
 */
export function stageGroups(stages: readonly Stage[]): Stage[][] {
  const groups: Stage[][] = [];
  let isOpen = false;
  for (const stage of stages) {
    const last = groups.at(-1);
    if (stage.kind !== "build" && isOpen && last !== undefined) last.push(stage);
    else groups.push([stage]);
    isOpen = stage.kind !== "build";
  }
  return groups;
}
