import { getBlob, ledgerRecords, type JarvisDatabase } from "@jarvis/db";
import { asc, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { LedgerError } from "../errors.ts";
import {
  proveConsistency,
  proveInclusion,
  rootAt,
  type SubtreeReader,
} from "../merkle/build-proof.ts";
import type { Anchor } from "../notes/anchor.ts";
import { leafContent, type SealedLedger } from "../rows/leaf.ts";
import { readRow } from "../store/sealed-rows.ts";
import { leafIndexOf, newestCheckpoint, storedSubtrees } from "../store/tree-store.ts";
import type { Bundle, ProvedLeaf } from "./bundle.ts";

const runs = z.array(z.object({ runId: z.string().nullable() }));
const attested = z.object({ runId: z.string(), digest: z.string() });

interface Row {
  readonly ledger: SealedLedger;
  readonly id: number;
}

/**
 * Proves a sealed event by the newest checkpoint, and that checkpoint by the anchors: all of them
 * that are of this tree.
 * @throws LedgerError `event-unknown`, `not-sealed`
 */
export async function proveEvent(
  db: JarvisDatabase,
  row: Row,
  anchors: readonly Anchor[],
): Promise<Bundle> {
  return await db.transaction(
    async (tx) => {
      await tx.execute(sql`set local time zone 'UTC'`);
      const checkpoint = await newestCheckpoint(tx);
      const index = await leafIndexOf(tx, row);
      if (checkpoint === null || index === null) {
        const known = await readRow(tx, row.ledger, row.id);
        throw known === null
          ? new LedgerError("event-unknown", `There is no event ${row.id} in ${row.ledger}.`)
          : new LedgerError(
              "not-sealed",
              `Event ${row.id} of ${row.ledger} is not sealed yet: ask again in a second, while the kernel runs.`,
            );
      }
      const tree = { reader: storedSubtrees(tx), size: checkpoint.size };
      const keys = await tx
        .select({ id: ledgerRecords.id })
        .from(ledgerRecords)
        .where(eq(ledgerRecords.kind, "key_added"))
        .orderBy(asc(ledgerRecords.id));
      const proofs = await Promise.all(
        keys.map(({ id }) => proveLeaf(tx, { ledger: "ledger_records", id }, tree)),
      );
      const leaf = await requireLeaf(tx, row, tree);
      return {
        format: "jarvis-ledger-bundle/1",
        event: { ...row, ...leaf },
        checkpoint: checkpoint.note,
        keys: proofs.filter((proof) => proof !== null),
        anchors: await proveAnchors(tree, anchors, leaf.index),
        evidence: await proveEvidence(tx, row, tree),
      };
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

interface Tree {
  readonly reader: SubtreeReader;
  readonly size: number;
}

async function requireLeaf(tx: JarvisDatabase, row: Row, tree: Tree): Promise<ProvedLeaf> {
  const leaf = await proveLeaf(tx, row, tree);
  if (leaf !== null) return leaf;
  throw new LedgerError(
    "ledger-mismatch",
    `Event ${row.id} of ${row.ledger} was sealed and is gone: run \`jarvis ledger verify\`.`,
  );
}

async function proveLeaf(tx: JarvisDatabase, row: Row, tree: Tree): Promise<ProvedLeaf | null> {
  const index = await leafIndexOf(tx, row);
  const found = await readRow(tx, row.ledger, row.id);
  if (index === null || found === null || index >= tree.size) return null;
  return {
    content: leafContent(row.ledger, found),
    index,
    proof: toBase64(await proveInclusion(tree.reader, index, tree.size)),
  };
}

/** Which clone the bundle will be held against is not known: so many anchors, from old to new. */
const ANCHORS = 200;

async function proveAnchors(
  tree: Tree,
  anchors: readonly Anchor[],
  index: number,
): Promise<Bundle["anchors"]> {
  const proved: Bundle["anchors"] = [];
  for (const { size, root, where } of chosen(anchors, index, tree.size)) {
    if ((await rootAt(tree.reader, size)).toString("base64") !== root) continue;
    const proof = toBase64(await proveConsistency(tree.reader, size, tree.size));
    proved.push({ size, root, where, proof });
  }
  return proved;
}

/** One of each size: the oldest that covers the event, the newest, and as many between as there may be. */
function chosen(anchors: readonly Anchor[], index: number, treeSize: number): Anchor[] {
  const known = new Map(
    anchors
      .filter(({ size }) => size > 0 && size <= treeSize)
      .toSorted((a, b) => a.size - b.size)
      .map((anchor) => [`${anchor.size} ${anchor.root}`, anchor]),
  );
  const over = [...known.values()].filter(({ size }) => size > index);
  // One that is too old says at least whose history it is.
  const sorted = over.length > 0 ? over : [...known.values()].slice(-1);
  const step = Math.max(1, (sorted.length - 1) / (ANCHORS - 1));
  const picked = Array.from({ length: Math.min(sorted.length, ANCHORS) }, (_, n) =>
    sorted.at(Math.round(n * step)),
  );
  return picked.filter((anchor) => anchor !== undefined);
}

/** What was attested of the run that an event belongs to. */
async function proveEvidence(
  tx: JarvisDatabase,
  row: Row,
  tree: Tree,
): Promise<Bundle["evidence"]> {
  if (row.ledger !== "self_extension_events") return [];
  const [event] = runs.parse(
    Array.from(
      await tx.execute(sql`
        select run_id as "runId" from self_extension_events where id = ${row.id}`),
    ),
  );
  const records = await tx
    .select()
    .from(ledgerRecords)
    .where(
      sql`${ledgerRecords.kind} = 'evidence_attested' and ${ledgerRecords.data} ->> 'runId' = ${event?.runId ?? ""}`,
    )
    .orderBy(asc(ledgerRecords.id))
    .limit(20);
  const proved: Bundle["evidence"] = [];
  for (const { id, data } of records) {
    const about = attested.safeParse(data);
    // Whoever may insert can insert a record that names none.
    if (!about.success) continue;
    const record = await proveLeaf(tx, { ledger: "ledger_records", id }, tree);
    const blob = await getBlob(tx, about.data.digest);
    // Emptied by retention: the record that names its digest still proves that it was there.
    if (record === null || blob === null || !("content" in blob)) continue;
    proved.push({ record, attestations: Buffer.from(blob.content).toString("utf8") });
  }
  return proved;
}

function toBase64(hashes: readonly Buffer[]): string[] {
  return hashes.map((hash) => hash.toString("base64"));
}
