import type { JarvisDatabase } from "@jarvis/db";
import { ActionAuditor, type SafetyMode } from "@jarvis/operator-core";
import { z } from "zod";
import { needsPerson } from "./block-reasons.ts";
import { readRunEvents, type EventContext } from "./lifecycle-events.ts";
import type { Pipeline } from "./pipeline.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { recordBlock } from "./record-outcome.ts";
import { askForRelease, releasesOf, type Release } from "./release-action.ts";
import type { RunState } from "./run-state.ts";

/** What becomes of a run that waits for a person, by the newest action that asks for its release. */
export type ReleaseStep = "wait" | "ask-again" | "go-on" | "end";

/** Pure. Nothing was asked where a crash came in between; then staging asks. */
export function decideReleaseStep(release: Release | undefined, mode: SafetyMode): ReleaseStep {
  switch (release?.action.state) {
    case "proposed":
    case "validated":
    case "approved":
    case "executing":
      return "wait";
    case "rejected":
      return "end";
    case "expired":
    case "failed":
      return "ask-again";
    // By the kill switch or by observe: asked again once actions may be executed.
    case "cancelled":
      return mode === "execute" ? "ask-again" : "wait";
    case "completed":
    case undefined:
      return "go-on";
  }
}

/**
 * Moves on the parked runs about which a person has decided: an approved one is staged again under a
 * new attempt, a rejected one ends, and where an approval expired or was cancelled it is asked for
 * again. Safe to call at any time and as often as one likes.
 */
export async function settleReleases(
  world: Pick<PipelineWorld, "db" | "actions">,
  pipeline: Pick<Pipeline, "start">,
  runs: readonly RunState[],
  mode: SafetyMode,
): Promise<void> {
  for (const run of runs) {
    if (run.status !== "parked" || !needsPerson(run.blockReasons)) continue;
    const [first] = await readRunEvents(world.db, run.runId);
    if (first === undefined) continue;
    const [newest] = await releasesOf(world.db, first.context);
    const step = decideReleaseStep(newest, mode);
    if (step === "go-on") await pipeline.start(run.runId, run.attempt + 1);
    else if (newest === undefined || step === "wait") continue;
    else if (step === "end") await endRejected(world, run, first.context, newest.action.id);
    else await askForRelease(world, first.context, newest.parameters);
  }
}

async function endRejected(
  world: Pick<PipelineWorld, "db">,
  run: RunState,
  context: EventContext,
  actionId: number,
): Promise<void> {
  const detail = `The change was rejected by ${await rejection(world.db, actionId)}`;
  // The reasons stay what they were; one sentence says what became of them.
  const refusals = run.blockReasons.map((reason, index) => ({
    reason,
    detail: index === 0 ? detail : "",
  }));
  await recordBlock(world, context, run.attempt, "release", refusals, { parked: false });
}

const rejected = z.looseObject({ by: z.string(), reason: z.string() });

async function rejection(db: JarvisDatabase, proposalId: number): Promise<string> {
  const [event] = await new ActionAuditor(db).getEvents({ proposalId, eventType: "rejected" });
  const data = rejected.safeParse(event?.eventData);
  return data.success ? `${data.data.by}: ${data.data.reason}` : "somebody; no reason is kept.";
}
