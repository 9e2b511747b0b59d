import type { JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";

const count = z.coerce.number().int();
const rows = z.array(
  z.object({
    day: z.string(),
    proposals: count,
    passed: count,
    notPassed: count,
    promoted: count,
    blocked: count,
    rolledBack: count,
    blessed: count,
    verificationMs: z.coerce.number().nullable(),
  }),
);

/** One day, UTC; `verificationMs` is the median of what the stages of a verification took together. */
export type TrendDay = z.infer<typeof rows>[number];

/** What happened on each of the last days, oldest first; days without an event are left out. */
export async function trends(db: JarvisDatabase, days: number): Promise<TrendDay[]> {
  const found = await db.execute(sql`
    with event as (
      select event_type, payload, run_id,
        to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as day
      from self_extension_events
      where created_at >= date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'
        - make_interval(days => ${days - 1})
    )
    select day,
      count(distinct run_id) filter (where event_type = 'proposed') as proposals,
      count(*) filter (where event_type = 'tested' and payload ->> 'passed' = 'true') as passed,
      count(*) filter (where event_type = 'tested' and payload ->> 'passed' = 'false') as "notPassed",
      count(*) filter (where event_type = 'promoted') as promoted,
      count(*) filter (where event_type = 'promotion_blocked' and payload ->> 'parked' = 'false') as blocked,
      count(*) filter (where event_type = 'rolled_back') as "rolledBack",
      count(*) filter (where event_type = 'baseline_blessed') as blessed,
      percentile_cont(0.5) within group (order by (
        select sum((stage ->> 'durationMs')::numeric)
        from jsonb_array_elements(payload -> 'stages') as stage
      )) filter (where event_type = 'tested' and jsonb_array_length(payload -> 'stages') > 0)
        as "verificationMs"
    from event group by day order by day`);
  return rows.parse([...found]);
}
