import { putBlob, type JarvisDatabase } from "@jarvis/db";
import { appendSelfExtensionEvent, type EventContext } from "./lifecycle-events.ts";
import { inertLine } from "./text-fence.ts";

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
