import type { JarvisDatabase } from "@jarvis/db";
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { sealedLedgerNames, type SealedLedger } from "../rows/leaf.ts";
import { tableOf, treeTables } from "../rows/table-of.ts";

const named = z.array(z.object({ name: z.string(), what: z.string() }));
const counts = z.tuple([z.object({ count: z.coerce.number().int() })]);

/** Objects that came with the server have smaller ids (FirstNormalObjectId of PostgreSQL's source). */
const FIRST_OWN_ID = sql.raw("16384");

/**
 * Tables that could show a verification something else than everybody else: views, foreign tables,
 * those with row security, rules or relatives, columns whose values are computed, and types, orders
 * and indexes that somebody made.
 */
export async function disguisedTables(
  tx: JarvisDatabase,
): Promise<readonly { readonly name: string; readonly what: string }[]> {
  const names = [...sealedLedgerNames, ...treeTables];
  const columns = sql`select from pg_attribute a
    where a.attrelid = rel.oid and a.attnum > 0 and not a.attisdropped`;
  const rows = await tx.execute(sql`
    select wanted.name, fact.what
    from unnest(string_to_array(${names.join(",")}, ',')) as wanted (name)
    left join pg_class rel on rel.relname = wanted.name and rel.relnamespace = 'public'::regnamespace
    cross join lateral (values
      (rel.oid is null, 'is not there'),
      (rel.relkind <> 'r', 'is no table'),
      (rel.relpersistence <> 'p', 'does not outlive a crash'),
      (rel.relrowsecurity, 'has row security'),
      (rel.relhasrules, 'has a rule'),
      (exists (select from pg_inherits i where rel.oid in (i.inhparent, i.inhrelid)),
        'inherits, or is inherited from'),
      (exists (${columns} and a.attgenerated <> ''), 'has a column that is computed'),
      (exists (${columns} and greatest(a.atttypid, a.attcollation) >= ${FIRST_OWN_ID}),
        'has a column of a type or an order that somebody made'),
      (exists (select from pg_index i, unnest(i.indclass::oid[]) as class
        where i.indrelid = rel.oid and class >= ${FIRST_OWN_ID}),
        'has an index by an order that somebody made')
    ) as fact (is_so, what)
    where fact.is_so
    order by wanted.name`);
  return named.parse(Array.from(rows));
}

/** How many rows of a ledger have an id up to `newest`, or none. */
export async function countRows(
  tx: JarvisDatabase,
  ledger: SealedLedger,
  newest: number,
): Promise<number> {
  return await count(tx, sql`${tableOf(ledger)} where (id <= ${newest}) is not false`);
}

export async function countLeaves(tx: JarvisDatabase): Promise<number> {
  return await count(tx, tableOf("ledger_leaves"));
}

/** The order in which an index gives the rows of a run, or of an action, to whoever reads them. */
const readBy: Partial<Record<SealedLedger, SQL>> = {
  self_extension_events: sql`run_id, seq`,
  action_audit_log: sql`proposal_id`,
};

/** The ledgers of which an index leaves rows out, with how many it shows of how many there are. */
export async function hidingIndexes(
  tx: JarvisDatabase,
): Promise<readonly { ledger: SealedLedger; shown: number; all: number }[]> {
  const hiding: { ledger: SealedLedger; shown: number; all: number }[] = [];
  for (const ledger of sealedLedgerNames) {
    const order = readBy[ledger];
    if (order === undefined) continue;
    const all = await withPlans(tx, ["indexscan", "indexonlyscan", "bitmapscan"], async () =>
      count(tx, tableOf(ledger)),
    );
    // No other plan gives this order without sorting; where there is no index, there is none that lies.
    const shown = await withPlans(
      tx,
      ["seqscan", "bitmapscan", "sort", "incremental_sort"],
      async () =>
        count(tx, sql`(select from ${tableOf(ledger)} order by ${order} offset 0) as ordered`),
    );
    if (shown !== all) hiding.push({ ledger, shown, all });
  }
  return hiding;
}

/** With some kinds of plan out of favour until the end of `work`. */
async function withPlans<T>(
  tx: JarvisDatabase,
  without: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const set = async (value: "on" | "off"): Promise<void> => {
    for (const kind of without) {
      await tx.execute(sql`set local ${sql.raw(`enable_${kind}`)} = ${sql.raw(value)}`);
    }
  };
  await set("off");
  const answer = await work();
  await set("on");
  return answer;
}

async function count(tx: JarvisDatabase, from: SQL): Promise<number> {
  const [{ count: found }] = counts.parse(
    Array.from(await tx.execute(sql`select count(*) as count from ${from}`)),
  );
  return found;
}
