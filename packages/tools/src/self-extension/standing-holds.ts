import { defineAction, type ActionDefinition } from "@jarvis/operator-core";
import { lastSeenBase } from "./attestation.ts";
import { SelfExtensionError } from "./errors.ts";
import { heldRuns, liftParameters, LIFT_HOLD, openGoalHolds } from "./holds.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { degradedBase } from "./serving-gate.ts";

/** Whatever is refused until an operator lifts it, in the words of `jarvis hold list`. */
export interface StandingHold {
  /** What `jarvis hold lift` takes: a run, or `goal:` and the goal's own id. */
  readonly id: string;
  /** A change that was rolled back, a goal that was twice, or a base that serves badly. */
  readonly kind: "change" | "goal" | "base";
  readonly title: string;
  readonly since: string;
}

/** Every hold that stands: goals, then the base, then changes, each oldest first. */
export async function listHolds(world: Pick<PipelineWorld, "db">): Promise<StandingHold[]> {
  const goals = (await openGoalHolds(world.db)).map(
    ({ id, goal, goalId, since }): StandingHold => ({
      id,
      kind: "goal",
      title: goal ?? goalId ?? "",
      since,
    }),
  );
  const changes = (await heldRuns(world.db)).map(({ runId: id, title, since }): StandingHold => ({
    id,
    kind: "change",
    title,
    since,
  }));
  const sha = await lastSeenBase(world.db);
  const degraded = sha === null ? null : await degradedBase(world.db, sha);
  const base: StandingHold[] =
    degraded === null
      ? []
      : [{ id: degraded.runId, kind: "base", title: degraded.title, since: degraded.since }];
  return [...goals, ...base, ...changes];
}

/** The action by which an operator lets something that is held go on. */
export function liftHoldAction(world: () => PipelineWorld): ActionDefinition {
  return defineAction({
    name: LIFT_HOLD,
    description: "lets what was rolled back be proposed again, or stay",
    parameters: liftParameters,
    effect: "promotion",
    risk: "medium",
    needsApproval: false,
    idempotent: true,
    timeoutMs: 10_000,
    async run({ runId: id }) {
      const hold = (await listHolds(world())).find((each) => each.id === id);
      if (hold === undefined) {
        throw new SelfExtensionError(
          "run-unknown",
          `Nothing is held as ${id}; \`jarvis hold list\` lists what is.`,
        );
      }
      return { runId: id, title: hold.title };
    },
  });
}
