import { actionProposals } from "@jarvis/db";
import type { JarvisDatabase } from "@jarvis/db";
import { and, asc, eq, gt, inArray, sql } from "drizzle-orm";
import { z } from "zod";
import { OperatorError } from "../errors.ts";
import { decideQuota, quotaSentence } from "./quota.ts";
import type { Quota } from "./quota.ts";

const openStates = ["proposed", "validated", "approved", "executing"] as const;

/**
 * Refuses a proposal beyond its requester's quota, in the transaction that would insert it. Requests
 * of one name wait for each other here, so that two of them cannot both be the last that fits. Bytes
 * are counted as the database stores them.
 * @throws OperatorError `quota-exceeded`
 */
export async function requireActionQuota(
  tx: JarvisDatabase,
  requester: string,
  request: { quota: Quota; bytes: number },
): Promise<void> {
  const { quota, bytes } = request;
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended('action-quota:' || ${requester}, 0))`,
  );
  const used = await countUsed(tx, requester);
  const fits =
    used.open < quota.open &&
    used.perMinute < quota.perMinute &&
    used.perHour < quota.perHour &&
    used.bytes + bytes <= quota.bytesPerHour;
  if (fits) return;
  // Only who is refused has to be told when to come again, which takes every time of the hour.
  const { times, now } = await readTimes(tx, requester);
  const decision = decideQuota(quota, { times, open: used.open }, { bytes, now });
  if (!decision.allowed) {
    throw new OperatorError("quota-exceeded", quotaSentence(requester, decision));
  }
}

const Counts = z.object({
  perMinute: z.coerce.number(),
  perHour: z.coerce.number(),
  bytes: z.coerce.number(),
  open: z.coerce.number(),
});

const storedBytes = sql<number>`pg_column_size(${actionProposals.parameters})`;
const inLastHour = gt(actionProposals.createdAt, sql`clock_timestamp() - interval '1 hour'`);

async function countUsed(tx: JarvisDatabase, requester: string): Promise<z.infer<typeof Counts>> {
  const mine = eq(actionProposals.requestedBy, requester);
  const [counts] = await tx
    .select({
      perMinute: sql`count(*) filter (where ${actionProposals.createdAt} > clock_timestamp() - interval '1 minute')`,
      perHour: sql`count(*)`,
      bytes: sql`coalesce(sum(${storedBytes}), 0)`,
    })
    .from(actionProposals)
    .where(and(mine, inLastHour));
  const open = await tx.$count(
    actionProposals,
    and(mine, inArray(actionProposals.state, [...openStates])),
  );
  return Counts.parse({ ...counts, open });
}

// By the clock of the database, which gave the times.
async function readTimes(tx: JarvisDatabase, requester: string) {
  const rows = await tx
    .select({
      at: actionProposals.createdAt,
      bytes: storedBytes,
      now: sql`clock_timestamp()`,
    })
    .from(actionProposals)
    .where(and(eq(actionProposals.requestedBy, requester), inLastHour))
    .orderBy(asc(actionProposals.createdAt));
  return { times: rows, now: z.coerce.date().parse(rows[0]?.now ?? new Date()) };
}
