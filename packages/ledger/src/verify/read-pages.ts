import { setImmediate } from "node:timers/promises";
import type { JarvisDatabase } from "@jarvis/db";
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { readExactTexts } from "../rows/exact-texts.ts";
import {
  formOf,
  sealedLedgerNames,
  sealedLedgers,
  type RowText,
  type SealedLedger,
} from "../rows/leaf.ts";
import { recordsOf } from "../rows/page.ts";
import { tableOf } from "../rows/table-of.ts";
import { readTreeSize } from "../store/tree-store.ts";
import type { Readers } from "./one-snapshot.ts";

const PAGE = 2000;

const integer = z.coerce.number().int();

/** A leaf with the row it is of, as the database has both. */
export interface LeafWithRow {
  readonly leafIndex: number;
  readonly ledger: number;
  readonly eventId: number;
  readonly leafHash: Uint8Array;
  /** Null where there is no row. */
  readonly row: RowText | null;
}

const checkpointRows = z.array(z.object({ size: integer, note: z.string() }));
const nodeRows = z.array(
  z.object({ level: integer, index: integer, hash: z.instanceof(Uint8Array) }),
);
const strayRows = z.array(z.object({ ledger: integer, id: integer }));
const pageRows = z.tuple([z.object({ page: z.string().nullable() })]);
const counts = z.tuple([z.object({ count: integer })]);

/**
 * All leaves in their order, each with its row, a page from each reader in turn, while the next pages
 * are already being read. Readers see the same snapshot. A page without leaves is a gap in the tree.
 */
export async function* readLeaves(readers: Readers): AsyncGenerator<readonly LeafWithRow[]> {
  const [first] = readers;
  const end = await readTreeSize(first);
  const underWay: Promise<readonly LeafWithRow[]>[] = [];
  const ask = (page: number): void => {
    if (page * PAGE >= end) return;
    const asked = leafPage(readers[page % readers.length] ?? first, page * PAGE);
    // Dropped with an unread answer where whoever reads stops early.
    asked.catch(() => undefined);
    underWay.push(asked);
  };
  readers.forEach((_, page) => ask(page));
  for (let page = 0; underWay.length > 0; page += 1) {
    const leaves = (await underWay.shift()) ?? [];
    ask(page + readers.length);
    // The client sends in the turn after the one that asks; it would else be after the hashing.
    await setImmediate();
    await setImmediate();
    yield await withTexts(readers[page % readers.length] ?? first, leaves);
  }
}

/**
 * A page is one text with a record for each leaf. A server that answers row by row goes on only while
 * somebody reads, so it would wait for the hashing of the page before. Without parameters, since with
 * some the client sends the half of a statement first and the rest once the server has answered, which
 * it hears after the hashing. The row is one of a query and not of the table's type, and no cast makes
 * it a text: a function or a cast for these, which a superuser can add, would fit better.
 */
async function leafPage(tx: JarvisDatabase, from: number): Promise<LeafWithRow[]> {
  const rowsOf = (name: SealedLedger): SQL => sql`
    select leaf.*, row_to_json(event) as json
    from leaf left join (select * from ${tableOf(name)}) event on event.id = leaf.event_id
    where leaf.ledger = ${sql.raw(String(sealedLedgers[name]))}`;
  const known = sql.raw(Object.values(sealedLedgers).join());
  const rows = await tx.execute(sql`
    with leaf as materialized (
      select leaf_index, ledger, event_id, leaf_hash from ${tableOf("ledger_leaves")}
      where leaf_index >= ${sql.raw(String(from))} and leaf_index < ${sql.raw(String(from + PAGE))}
    ), found as (
      ${sql.join(sealedLedgerNames.map(rowsOf), sql` union all `)}
      union all
      select leaf.*, null from leaf where leaf.ledger not in (${known})
    )
    select string_agg(concat_ws(' ', leaf_index, ledger, event_id, encode(leaf_hash, 'hex'), json),
      chr(30) order by leaf_index) as page
    from found`);
  const [{ page }] = pageRows.parse(Array.from(rows));
  return recordsOf(page).map(leafOfRecord);
}

function leafOfRecord(record: string): LeafWithRow {
  const ends: number[] = [];
  for (let at = -1; ends.length < 4 && (at = record.indexOf(" ", at + 1)) >= 0;) ends.push(at);
  const [afterIndex = -1, afterLedger = -1, afterId = -1, afterHash = record.length] = ends;
  const json = ends.length < 4 ? null : record.slice(afterHash + 1);
  return {
    leafIndex: Number(record.slice(0, afterIndex)),
    ledger: Number(record.slice(afterIndex + 1, afterLedger)),
    eventId: Number(record.slice(afterLedger + 1, afterId)),
    leafHash: Buffer.from(record.slice(afterId + 1, afterHash), "hex"),
    row: json === null ? null : { json, form: formOf(json) },
  };
}

/** A page with the rows that have no canonical form as the texts that they are kept as. */
async function withTexts(
  tx: JarvisDatabase,
  page: readonly LeafWithRow[],
): Promise<readonly LeafWithRow[]> {
  const ofText = page.filter(({ row }) => row?.form === "text");
  if (ofText.length === 0) return page;
  const texts = new Map<number, ReadonlyMap<number, string>>();
  for (const name of sealedLedgerNames) {
    const ofLedger = ofText.filter(({ ledger }) => ledger === sealedLedgers[name]);
    const ids = ofLedger.map(({ eventId }) => eventId);
    texts.set(sealedLedgers[name], await readExactTexts(tx, name, ids));
  }
  return page.map((leaf) => {
    if (leaf.row?.form !== "text") return leaf;
    const json = texts.get(leaf.ledger)?.get(leaf.eventId);
    return { ...leaf, row: json === undefined ? null : { json, form: "text" } };
  });
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
          select size, note from ${tableOf("ledger_checkpoints")} where size > ${after}
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
  const rows = await tx.execute(
    sql`select level, node_index as index, hash from ${tableOf("ledger_nodes")}`,
  );
  return new Map(
    nodeRows.parse(Array.from(rows)).map(({ level, index, hash }) => [`${level}/${index}`, hash]),
  );
}

/**
 * Rows without a leaf in a tree of that size that have an id below the newest sealed one of their
 * ledger, or none: a sealer never leaves one behind, so they came later. The first hundred, by id.
 */
export async function readStrays(
  tx: JarvisDatabase,
  size: number,
): Promise<{ ledger: number; id: number }[]> {
  const rowsOf = (name: SealedLedger): SQL => sql`
    select ${sql.raw(String(sealedLedgers[name]))} as ledger, id from ${tableOf(name)}`;
  const leaves = tableOf("ledger_leaves");
  // Pages are joined by index; all rows to all leaves are not.
  await tx.execute(sql`set local enable_hashjoin = on`);
  const rows = await tx.execute(sql`
    with sealed as (
      select ledger, max(event_id) as newest from ${leaves} where leaf_index < ${size} group by ledger
    )
    select ledger, coalesce(id, 0) as id
    from (${sql.join(sealedLedgerNames.map(rowsOf), sql` union all `)}) event
    join sealed using (ledger)
    where (id <= sealed.newest) is not false and not exists (
      select from ${leaves} leaf where leaf.ledger = event.ledger and leaf.event_id = event.id
        and leaf.leaf_index >= 0 and leaf.leaf_index < ${size})
    order by ledger, id limit 100`);
  return strayRows.parse(Array.from(rows));
}

/** How many rows wait for the sealer. */
export async function countUnsealed(tx: JarvisDatabase): Promise<number> {
  const waiting = sealedLedgerNames.map(
    (name) => sql`(select count(*) from ${tableOf(name)} where id > coalesce((
      select max(event_id) from ${tableOf("ledger_leaves")}
      where ledger = ${sql.raw(String(sealedLedgers[name]))}), 0))`,
  );
  const rows = await tx.execute(sql`select ${sql.join(waiting, sql` + `)} as count`);
  const [{ count }] = counts.parse(Array.from(rows));
  return count;
}
