import { putBlob, type JarvisDatabase } from "@jarvis/db";
import { v7 as uuidv7 } from "uuid";
import { appendSelfExtensionEvent, type EventContext } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import type { ProposalInput } from "./proposal.ts";
import { inertLine } from "./text-fence.ts";

/** Records a proposal: its patch as a blob, its facts as the first event. */
export async function recordProposal(world: PipelineWorld, input: ProposalInput): Promise<string> {
  const runId = uuidv7();
  const context: EventContext = {
    runId,
    correlationId: input.cycleId ?? runId,
    actorSource: input.actorSource,
    actor: input.actor,
    toolName: input.toolName,
    toolCallId: input.toolCallId,
    goalId: input.goalId,
    cycleId: input.cycleId,
    subGoalId: input.subGoalId,
  };
  await recordProposed(world.db, context, {
    patch: Buffer.from(input.patch, "utf8"),
    title: input.title ?? input.goal ?? titleFromPatch(input.patch),
    goal: input.goal,
  });
  return runId;
}

/** The subject of a `git format-patch` file, or the first path that is changed. */
function titleFromPatch(patch: string): string {
  const subject = /^Subject: (?:\[PATCH[^\]]*\] )?(.+)$/m.exec(patch.slice(0, 4000))?.[1];
  const path = /^diff --git a\/(\S+)/m.exec(patch)?.[1];
  return subject ?? `Change ${path ?? "without a title"}`;
}

/** Records a run's beginning, once: its patch as a blob, its facts as the first event. */
export async function recordProposed(
  db: JarvisDatabase,
  context: EventContext,
  proposal: { readonly patch: Buffer; readonly title: string; readonly goal: string | null },
): Promise<void> {
  const patchDigest = await putBlob(db, proposal.patch, "text/x-diff");
  const title = inertLine(proposal.title);
  await appendSelfExtensionEvent(db, {
    context,
    type: "proposed",
    stage: "propose",
    idempotencyKey: "proposed",
    payload: {
      attempt: 1,
      patchDigest,
      patchBytes: proposal.patch.length,
      title: title === "" ? "Change without a title" : title,
      goal: proposal.goal,
      baseSha: null,
      treeSha: null,
      stagedSha: null,
      changedPaths: [],
      approval: null,
    },
  });
}
