import { and, eq, sql } from "drizzle-orm";
import type { JarvisDatabase } from "./connection.ts";
import { agentState } from "./schema/index.ts";
import type { AgentStateRow } from "./schema/index.ts";

/** `conflict`: somebody else wrote first; the caller reads again and decides again. */
export type CompareAndSetOutcome =
  | { outcome: "written"; row: AgentStateRow }
  | { outcome: "conflict"; current: AgentStateRow | null };

/**
 * The row under a key, or null. What is missing is never permission. The value is as it was
 * stored: parse it where it is read.
 */
export async function readAgentState(
  db: JarvisDatabase,
  key: string,
): Promise<AgentStateRow | null> {
  const [row] = await db.select().from(agentState).where(eq(agentState.key, key));
  return row ?? null;
}

/**
 * Writes `value` if the row is still at `expectedVersion`; null expects that there is none.
 * Losing the race is an answer, not an exception. Takes a transaction where the change has to
 * happen together with the event that records it.
 */
export async function compareAndSetAgentState(
  db: JarvisDatabase,
  key: string,
  change: { expectedVersion: number | null; value: unknown },
): Promise<CompareAndSetOutcome> {
  const { expectedVersion, value } = change;
  const [row] =
    expectedVersion === null
      ? await db.insert(agentState).values({ key, value }).onConflictDoNothing().returning()
      : await db
          .update(agentState)
          .set({ value, version: expectedVersion + 1, updatedAt: sql`clock_timestamp()` })
          // Postgres checks the version again after waiting for a concurrent writer of the row.
          .where(and(eq(agentState.key, key), eq(agentState.version, expectedVersion)))
          .returning();
  if (row !== undefined) return { outcome: "written", row };
  return { outcome: "conflict", current: await readAgentState(db, key) };
}
