import { selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { and, asc, eq } from "drizzle-orm";

/** Who proposes what was authored, and whose quota it takes. */
export const AUTHOR = "author";

interface Attempt {
  readonly goalId: string;
  readonly number: number;
}

/** What tells the run of an attempt from every other in the ledger. */
export function proposedBy({ goalId, number }: Attempt) {
  return {
    actor: AUTHOR,
    actorSource: "agent",
    goalId,
    subGoalId: `${goalId}:${number}`,
  } as const;
}

/** The run that an attempt has handed in, also where nothing but the ledger knows of it; or null. */
export async function runHandedIn(db: JarvisDatabase, attempt: Attempt): Promise<string | null> {
  const { actor, actorSource, subGoalId } = proposedBy(attempt);
  const [first] = await db
    .select({ runId: selfExtensionEvents.runId })
    .from(selfExtensionEvents)
    .where(
      and(
        eq(selfExtensionEvents.eventType, "proposed"),
        eq(selfExtensionEvents.actor, actor),
        eq(selfExtensionEvents.actorSource, actorSource),
        eq(selfExtensionEvents.subGoalId, subGoalId),
      ),
    )
    .orderBy(asc(selfExtensionEvents.id))
    .limit(1);
  return first?.runId ?? null;
}
