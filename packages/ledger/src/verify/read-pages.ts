import { setImmediate } from "node:timers/promises";
import type { JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";

const PAGE = 5000;

const integer = z.coerce.number().int();

/** A leaf with the row it is of, as the database has both; `json` is null where there is no row. */
export interface LeafWithRow {
  readonly leafIndex: number;
  readonly ledger: number;
  readonly eventId: number;
  readonly leafHash: Uint8Array;
  readonly json: string | null;
}

const checkpointRows = z.array(z.object({ size: integer, note: z.string() }));
const nodeRows = z.array(
  z.object({ level: integer, index: integer, hash: z.instanceof(Uint8Array) }),
);
const strayRows = z.array(z.object({ ledger: integer, id: integer }));
const counts = z.tuple([z.object({ count: integer })]);

/** All leaves in their order, each with its row, while the next page is already being read. */
export async function* readLeaves(tx: JarvisDatabase): AsyncGenerator<readonly LeafWithRow[]> {
  let next = leafPage(tx, 0);
  for (;;) {
    const page = await next;
    const last = page.at(-1);
    if (last === undefined) return;
    next = leafPage(tx, last.leafIndex + 1);
    // The page that follows is dropped with an unread answer where the reader stops early.
    next.catch(() => undefined);
    // The client sends in a turn of its own: without it, the server would begin after the hashing.
    await setImmediate();
    yield page;
  }
}

async function leafPage(tx: JarvisDatabase, from: number): Promise<LeafWithRow[]> {
  const rows = await tx.execute(sql`
    select leaf.leaf_index as "leafIndex", leaf.ledger, leaf.event_id as "eventId",
      leaf.leaf_hash as "leafHash",
      coalesce(to_jsonb(run_event), to_jsonb(action_event), to_jsonb(record))::text as json
    from (
      select * from ledger_leaves where leaf_index >= ${from} order by leaf_index limit ${PAGE}
    ) leaf
    left join self_extension_events run_event on leaf.ledger = 1 and run_event.id = leaf.event_id
    left join action_audit_log action_event on leaf.ledger = 2 and action_event.id = leaf.event_id
    left join ledger_records record on leaf.ledger = 3 and record.id = leaf.event_id
    order by leaf.leaf_index`);
  // Numbers of 64 bits arrive as text. Parsed by hand: a schema would take longer than the hashing.
  return Array.from(rows, (row) => ({
    leafIndex: Number(row["leafIndex"]),
    ledger: Number(row["ledger"]),
    eventId: Number(row["eventId"]),
    leafHash: row["leafHash"] as Uint8Array,
    json: row["json"] as string | null,
  }));
}

/** All checkpoints by size; their signatures have not been looked at. */
export async function* readCheckpoints(
  tx: JarvisDatabase,
): AsyncGenerator<{ size: number; note: string }> {
  let after = -1;
  for (;;) {
    const page = checkpointRows.parse(
      Array.from(
        await tx.execute(sql`
          select size, note from ledger_checkpoints where size > ${after}
          order by size limit ${PAGE}`),
      ),
    );
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.size;
  }
}

/** The stored hashes of subtrees, by `level/index`. One for every 255 leaves. */
export async function readNodes(tx: JarvisDatabase): Promise<Map<string, Uint8Array>> {
  const rows = await tx.execute(sql`select level, node_index as index, hash from ledger_nodes`);
  return new Map(
    nodeRows.parse(Array.from(rows)).map(({ level, index, hash }) => [`${level}/${index}`, hash]),
  );
}

/**
 * Rows without a leaf that have an id below the newest sealed one of their ledger: a sealer never
 * leaves one behind, so they came later. The first hundred, by id.
 */
export async function readStrays(tx: JarvisDatabase): Promise<{ ledger: number; id: number }[]> {
  const rows = await tx.execute(sql`
    with sealed as (select ledger, max(event_id) as newest from ledger_leaves group by ledger)
    select ledger, id from (
      select 1 as ledger, id from self_extension_events
      union all select 2, id from action_audit_log
      union all select 3, id from ledger_records
    ) event
    join sealed using (ledger)
    where id <= sealed.newest and not exists (
      select from ledger_leaves leaf where leaf.ledger = event.ledger and leaf.event_id = event.id)
    order by ledger, id limit 100`);
  return strayRows.parse(Array.from(rows));
}

/** How many rows wait for the sealer. */
export async function countUnsealed(tx: JarvisDatabase): Promise<number> {
  const newest = (ledger: number) =>
    sql`coalesce((select max(event_id) from ledger_leaves where ledger = ${ledger}), 0)`;
  const rows = await tx.execute(sql`
    select (select count(*) from self_extension_events where id > ${newest(1)})
      + (select count(*) from action_audit_log where id > ${newest(2)})
      + (select count(*) from ledger_records where id > ${newest(3)}) as count`);
  const [{ count }] = counts.parse(Array.from(rows));
  return count;
}
