import type { JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";

/** Transactions that see the same moment of the database. */
export type Readers = readonly [JarvisDatabase, ...JarvisDatabase[]];

const moment = { isolationLevel: "repeatable read", accessMode: "read only" } as const;
const snapshots = z.tuple([z.object({ snapshot: z.string().regex(/^[0-9A-Fa-f-]+$/) })]);

/** Reads in one snapshot of `db`, by a second connection too where there is one to be had. */
export async function inOneSnapshot<T>(
  { db, second }: { readonly db: JarvisDatabase; readonly second?: JarvisDatabase | undefined },
  work: (readers: Readers) => Promise<T>,
): Promise<T> {
  return await db.transaction(async (tx) => {
    await prepare(tx);
    if (second === undefined) return await work([tx]);
    const rows = await tx.execute(sql`select pg_export_snapshot() as snapshot`);
    const [{ snapshot }] = snapshots.parse(Array.from(rows));
    return await second.transaction(async (other) => {
      await other.execute(sql.raw(`set transaction snapshot '${snapshot}'`));
      await prepare(other);
      return await work([tx, other]);
    }, moment);
  }, moment);
}

async function prepare(tx: JarvisDatabase): Promise<void> {
  // See `tableOf`.
  await tx.execute(sql`set local search_path = pg_catalog, pg_temp`);
  await tx.execute(sql`set local time zone 'UTC'`);
  // A page joins a few rows to millions: always by index, and each row once.
  await tx.execute(sql`set local enable_hashjoin = off`);
  await tx.execute(sql`set local enable_mergejoin = off`);
  await tx.execute(sql`set local enable_memoize = off`);
}
