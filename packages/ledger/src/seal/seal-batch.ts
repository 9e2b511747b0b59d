import { setImmediate } from "node:timers/promises";
import { codeOf, type JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { LedgerError } from "../errors.ts";
import { hashLeaf } from "../merkle/hashes.ts";
import { signCheckpoint } from "../notes/checkpoint.ts";
import type { NoteSigner } from "../notes/signed-note.ts";
import { leafContent, LEAVES_AT_ONCE } from "../rows/leaf.ts";
import { readRows, sealedIds, type Horizon } from "../store/sealed-rows.ts";
import { storeCheckpoint, storeLeaves, type NewLeaf } from "../store/tree-store.ts";
import { loadTree } from "./load-tree.ts";
import type { KnownTree, SealedTree } from "./sealed-tree.ts";

/** Rows in one transaction: a second's worth at full load, and a few megabytes. */
const BATCH_ROWS = 2000;

/** How long another sealer is waited for: one that was stopped in the middle may never end. */
const LOCK_MS = 3000;
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Seals what is not sealed yet, up to `horizon`: leaves, nodes and the checkpoint over them in one
 * transaction, so that a crash leaves all of it or nothing. `known` is what this process has sealed
 * last; where somebody else has sealed since, theirs has to go on from it.
 * @throws LedgerError `ledger-mismatch`, `ledger-behind`
 */
export async function sealBatch(
  db: JarvisDatabase,
  signer: NoteSigner,
  known: KnownTree | null,
  horizon: Horizon,
): Promise<SealedTree & { readonly more: boolean }> {
  return await db.transaction(async (tx) => {
    await beTheOnlySealer(tx);
    // How a time is printed is part of a leaf.
    await tx.execute(sql`set local time zone 'UTC'`);
    // Of many rows the first few are wanted, in the order of an index: never by sorting all of them,
    // which is what a server chooses that does not know yet how fast a ledger has grown.
    await tx.execute(sql`set local enable_sort = off`);
    const tree = await loadTree(tx, known);
    const rows = await readRows(tx, await sealedIds(tx), horizon, BATCH_ROWS);
    if (rows.length === 0) return { ...tree, more: false };
    const frontier = tree.frontier.copy();
    const leaves: NewLeaf[] = [];
    for (const row of rows) {
      const { ledger, id } = row;
      leaves.push({ ledger, id, hash: hashLeaf(leafContent(ledger, row)) });
      if (leaves.length % LEAVES_AT_ONCE === 0) await setImmediate();
    }
    await storeLeaves(tx, frontier, leaves);
    const { size, note } = signCheckpoint({ size: frontier.size, root: frontier.root() }, signer);
    await storeCheckpoint(tx, { size, note });
    return { frontier, checkpoint: { size, note }, more: rows.length === BATCH_ROWS };
  });
}

/** One sealer at a time: two that extend the same tree would sign two histories. */
async function beTheOnlySealer(tx: JarvisDatabase): Promise<void> {
  await tx.execute(sql`set local lock_timeout = ${sql.raw(String(LOCK_MS))}`);
  try {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('jarvis sealer', 0))`);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : null;
    if (codeOf(cause) !== LOCK_NOT_AVAILABLE) throw error;
    throw new LedgerError(
      "not-sealed",
      `Another session has been sealing the ledger for more than ${LOCK_MS / 1000} s: end it (pg_locks names it).`,
      { cause },
    );
  }
}
