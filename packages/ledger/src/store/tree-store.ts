import type { JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { LedgerError } from "../errors.ts";
import type { SubtreeReader } from "../merkle/build-proof.ts";
import { Frontier, type Subtree } from "../merkle/frontier.ts";
import { HASH_BYTES, hashNode, type Hash } from "../merkle/hashes.ts";
import { completeSubtrees } from "../merkle/ranges.ts";
import { sealedLedgers, type SealedLedger } from "../rows/leaf.ts";
import { tableOf } from "../rows/table-of.ts";

/** Subtrees of every eighth level are stored; the others are at most 128 hashes away from one. */
const STORED_LEVELS = 8;

const hashRows = z.array(z.object({ hash: z.instanceof(Uint8Array) }));
const counts = z.tuple([z.object({ size: z.coerce.number().int() })]);
const notes = z.array(z.object({ size: z.coerce.number().int(), note: z.string() }));
const places = z.array(z.object({ leafIndex: z.coerce.number().int() }));

export interface NewLeaf {
  readonly ledger: SealedLedger;
  readonly id: number;
  readonly hash: Hash;
}

/** A checkpoint as it is stored; its signature has not been looked at. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly note: string;
}

/** Complete subtrees out of the tables. One that is not there is `ledger-mismatch`. */
export function storedSubtrees(db: JarvisDatabase): SubtreeReader {
  return {
    async read({ level, index }) {
      const stored = level - (level % STORED_LEVELS);
      const width = 2 ** (level - stored);
      const [from, to] = [index * width, (index + 1) * width];
      const rows = await db.execute(
        stored === 0
          ? sql`select leaf_hash as hash from ledger_leaves
              where leaf_index >= ${from} and leaf_index < ${to} order by leaf_index`
          : sql`select hash from ledger_nodes where level = ${stored}
              and node_index >= ${from} and node_index < ${to} order by node_index`,
      );
      let found: Hash[] = hashRows.parse(Array.from(rows)).map(({ hash }) => Buffer.from(hash));
      if (found.length !== width) {
        throw new LedgerError(
          "ledger-mismatch",
          `The ledger's tree has lost hashes (expected ${width} of level ${stored} from ${from}, got ${found.length}): run \`jarvis ledger verify\`.`,
        );
      }
      while (found.length > 1) found = pairwise(found);
      return found[0] ?? Buffer.alloc(0);
    },
  };
}

function pairwise(level: readonly Hash[]): Hash[] {
  const above: Hash[] = [];
  for (let index = 0; index + 1 < level.length; index += 2) {
    above.push(hashNode(level[index] as Hash, level[index + 1] as Hash));
  }
  return above;
}

export async function readTreeSize(db: JarvisDatabase): Promise<number> {
  const rows = await db.execute(
    sql`select coalesce(max(leaf_index) + 1, 0) as size from ${tableOf("ledger_leaves")}`,
  );
  const [{ size }] = counts.parse(Array.from(rows));
  return size;
}

/** The right edge of the stored tree, to go on from. */
export async function readFrontier(db: JarvisDatabase, size: number): Promise<Frontier> {
  const reader = storedSubtrees(db);
  const edge: Subtree[] = await Promise.all(
    completeSubtrees({ start: 0, end: size }).map(async (subtree) => ({
      ...subtree,
      hash: await reader.read(subtree),
    })),
  );
  return new Frontier(size, edge);
}

/** Appends leaves to the frontier and to the tables. */
export async function storeLeaves(
  tx: JarvisDatabase,
  frontier: Frontier,
  leaves: readonly NewLeaf[],
): Promise<void> {
  const first = frontier.size;
  const nodes: Subtree[] = [];
  for (const leaf of leaves) {
    const completed = frontier.append(leaf.hash);
    nodes.push(...completed.filter(({ level }) => level % STORED_LEVELS === 0));
  }
  // Lists travel as one value each: a statement takes 65,535 parameters.
  const ledgers = leaves.map(({ ledger }) => sealedLedgers[ledger]).join(",");
  const ids = leaves.map(({ id }) => id).join(",");
  const hashes = Buffer.concat(leaves.map(({ hash }) => hash));
  await tx.execute(sql`
    insert into ledger_leaves (leaf_index, ledger, event_id, leaf_hash)
    select ${first}::bigint + place - 1, ledger, id,
      substring(${hashes}::bytea from (place::int - 1) * ${HASH_BYTES} + 1 for ${HASH_BYTES})
    from unnest(${`{${ledgers}}`}::smallint[], ${`{${ids}}`}::bigint[])
      with ordinality as leaf (ledger, id, place)`);
  if (nodes.length === 0) return;
  await tx.execute(sql`
    insert into ledger_nodes (level, node_index, hash)
    select level::smallint, node_index::bigint, decode(hash, 'hex')
    from unnest(
      string_to_array(${nodes.map(({ level }) => level).join(",")}, ','),
      string_to_array(${nodes.map(({ index }) => index).join(",")}, ','),
      string_to_array(${nodes.map(({ hash }) => hash.toString("hex")).join(",")}, ',')
    ) as node (level, node_index, hash)`);
}

export async function storeCheckpoint(
  tx: JarvisDatabase,
  { size, note }: StoredCheckpoint,
): Promise<void> {
  await tx.execute(sql`insert into ledger_checkpoints (size, note) values (${size}, ${note})`);
}

export async function newestCheckpoint(db: JarvisDatabase): Promise<StoredCheckpoint | null> {
  const rows = await db.execute(
    sql`select size, note from ledger_checkpoints order by size desc limit 1`,
  );
  return notes.parse(Array.from(rows))[0] ?? null;
}

/** The first checkpoint that covers a row: the same for ever, once there is one. */
export async function firstCheckpointOver(
  db: JarvisDatabase,
  row: { readonly ledger: SealedLedger; readonly id: number },
): Promise<StoredCheckpoint | null> {
  const rows = await db.execute(sql`
    select size, note from ledger_checkpoints
    where size > (select leaf_index from ledger_leaves
      where ledger = ${sealedLedgers[row.ledger]} and event_id = ${row.id})
    order by size limit 1`);
  return notes.parse(Array.from(rows))[0] ?? null;
}

/** The place of a row in the tree; null while it is not sealed. */
export async function leafIndexOf(
  db: JarvisDatabase,
  row: { readonly ledger: SealedLedger; readonly id: number },
): Promise<number | null> {
  const rows = await db.execute(sql`
    select leaf_index as "leafIndex" from ledger_leaves
    where ledger = ${sealedLedgers[row.ledger]} and event_id = ${row.id}`);
  return places.parse(Array.from(rows))[0]?.leafIndex ?? null;
}
