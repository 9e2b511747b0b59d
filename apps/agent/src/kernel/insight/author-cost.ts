import type { JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";

const count = z.coerce.number().nonnegative();
const rows = z.tuple([
  z.object({
    attempts: count,
    accepted: count,
    inputTokens: count,
    outputTokens: count,
    microUsd: count,
  }),
]);

/** What models were paid, in millionths of a dollar where somebody said what tokens cost. */
export type AuthorCost = z.infer<typeof rows>[0];

/**
 * What the author took in the last days, and how many of its attempts came to be accepted. Attempts
 * that led to nothing are in it: they are part of what an accepted change costs.
 */
export async function authorCost(db: JarvisDatabase, days: number): Promise<AuthorCost> {
  const since = sql`date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'
    - make_interval(days => ${days - 1})`;
  const found = await db.execute(sql`
    select attempts, accepted, "inputTokens", "outputTokens", "microUsd"
    from (
      select count(*) as attempts, count(*) filter (where outcome = 'accepted') as accepted
      from goal_attempts where coalesce(ended_at, started_at) >= ${since}
    ) as tried,
    (
      select coalesce(sum(input_tokens), 0) as "inputTokens",
        coalesce(sum(output_tokens), 0) as "outputTokens", coalesce(sum(micro_usd), 0) as "microUsd"
      from model_calls where started_at >= ${since}
    ) as spent`);
  return rows.parse([...found])[0];
}
