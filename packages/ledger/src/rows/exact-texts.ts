import type { JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { SealedLedger } from "./leaf.ts";
import { tableOf } from "./table-of.ts";

const texts = z.array(z.object({ id: z.coerce.number().int(), json: z.string() }));

/**
 * The texts of rows that have no canonical form, by id: `jsonb` without the columns that are null, in
 * the order of keys and with the spaces that PostgreSQL gives it.
 */
export async function readExactTexts(
  tx: JarvisDatabase,
  ledger: SealedLedger,
  ids: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.execute(sql`
    select id, concat((
      select jsonb_object_agg(key, value) from jsonb_each(to_jsonb(event))
      where value <> 'null'
    )) as json
    from (select * from ${tableOf(ledger)}) event where id in ${ids}`);
  return new Map(texts.parse(Array.from(rows)).map(({ id, json }) => [id, json]));
}
