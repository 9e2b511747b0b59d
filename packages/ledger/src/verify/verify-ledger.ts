import type { JarvisDatabase } from "@jarvis/db";
import { readKeyRecords, type RecordedKeys } from "../keys/key-records.ts";
import { isOfLedger, type Anchor } from "../notes/anchor.ts";
import { givenUpBy, readAbandoned } from "../seal/abandoned-history.ts";
import { isEachSealed } from "./check-leaf.ts";
import { Findings } from "./findings.ts";
import { inOneSnapshot, type Readers } from "./one-snapshot.ts";
import { countUnsealed, readStrays } from "./read-pages.ts";
import type { Remark, VerificationReport } from "./report.ts";
import { countLeaves, disguisedTables, hidingIndexes } from "./tables.ts";
import { walkTree, type Walk } from "./walk-tree.ts";

export interface VerifyOptions {
  /** Checkpoints that were seen outside of the database: in the state directory, in the repository. */
  readonly anchors: readonly Anchor[];
  /** The key of this state directory: whoever holds it may have gone on without the one before. */
  readonly ownKeyId?: string | null;
  /** Where a second connection of the same database is to be had: two read faster than one. */
  readonly second?: JarvisDatabase;
}

/**
 * Computes the whole tree again from the rows and holds it against leaves, stored hashes, every
 * signed checkpoint and every anchor, in one snapshot of the database. Believes nothing that is
 * stored but what a key of the ledger has signed, and of the keys only what the tree proves.
 */
export async function verifyLedger(
  db: JarvisDatabase,
  { anchors, ownKeyId = null, second }: VerifyOptions,
): Promise<VerificationReport> {
  const started = performance.now();
  const outcome = await inOneSnapshot(
    { db, second },
    async (readers) => await computeAgain(readers, anchors, ownKeyId),
  );
  return { ...outcome, durationMs: Math.round(performance.now() - started) };
}

async function computeAgain(
  readers: Readers,
  anchors: readonly Anchor[],
  ownKeyId: string | null,
): Promise<Omit<VerificationReport, "durationMs">> {
  const [tx] = readers;
  const found = new Findings();
  for (const { name, what } of await disguisedTables(tx)) {
    found.add("table-disguised", { detail: `The table ${name} ${what}.` });
  }
  const recorded = await readKeyRecords(tx);
  const { keys, unreadable } = recorded;
  if (keys.length === 0 && unreadable.length > 0) {
    found.add("key-forged", { detail: `Record ${unreadable[0]} named the ledger's first key.` });
  }
  const origin = keys[0]?.verifier.name ?? null;
  const isOurs = (anchor: Anchor): boolean => isOfLedger(anchor, origin);
  for (const anchor of anchors.filter((each) => each.isOwn === true && !isOurs(each))) {
    found.add("history-forked", {
      detail: `${anchor.where} has seen the ledger ${anchor.origin ?? "?"}, and this one is ${origin ?? "?"}: its database was replaced.`,
    });
  }
  const abandoned = await readAbandoned(tx, keys, ownKeyId);
  const isGivenUp = givenUpBy(abandoned);
  const counted = anchors.filter(isOurs).filter((anchor) => !isGivenUp(anchor));
  const walk = await walkTree(readers, keys, counted, found);
  await checkBeside(tx, walk, found);
  const unsealed = await countUnsealed(tx);
  return {
    ...found.report(),
    size: walk.size,
    checkpoints: walk.checkpoints,
    checkpoint: walk.checkpoint,
    anchors: anchors.filter(isOurs).length,
    unsealed,
    remarks: [
      ...remarksOn(recorded, anchors, isOurs, unsealed),
      ...abandoned.map(({ recordId, from, to, reason }): Remark => ({
        code: "history-abandoned",
        detail: `Record ${recordId} goes on from ${from} events where ${to} had been seen: ${reason}`,
      })),
    ],
  };
}

/** What lies beside the tree: leaves that are not of it, rows without a leaf, rows that readers miss. */
async function checkBeside(
  tx: JarvisDatabase,
  { size, sealed }: Pick<Walk, "size" | "sealed">,
  found: Findings,
): Promise<void> {
  const leaves = await countLeaves(tx);
  if (found.isEmpty() && leaves !== size) {
    found.add("leaf-inserted", {
      detail: `The tree has ${size} leaves, and ${leaves} are stored.`,
    });
  }
  const isEach = found.isEmpty() && (await isEachSealed(tx, sealed));
  const strays = isEach ? [] : await readStrays(tx, size);
  for (const { ledger, id } of strays) {
    found.add("event-inserted", {
      event: { ledger, id },
      detail: `Row ${id} was not there when later rows were sealed.`,
    });
  }
  if (!isEach && found.isEmpty()) {
    found.add("event-duplicated", {
      detail: "A ledger has more rows than leaves, and each has one: some row is there twice.",
    });
  }
  for (const { ledger, shown, all } of await hidingIndexes(tx)) {
    found.add("event-hidden", {
      detail: `An index of ${ledger} shows ${shown} of its ${all} rows.`,
    });
  }
}

function remarksOn(
  { keys, unreadable }: RecordedKeys,
  anchors: readonly Anchor[],
  isOurs: (anchor: Anchor) => boolean,
  unsealed: number,
): Remark[] {
  const others = new Set(anchors.filter((anchor) => !isOurs(anchor)).map(({ origin }) => origin));
  return [
    ...keys
      .filter(({ standing }) => standing === "unvouched")
      .map(({ verifier, recordId }): Remark => ({
        code: "key-unvouched",
        detail: `Key ${verifier.keyId} (record ${recordId}) was added without the key before it: ask whoever added it.`,
      })),
    ...unreadable.map((recordId): Remark => ({
      code: "key-unvouched",
      detail: `Record ${recordId} names a key that cannot be read, and counts for nothing: ask whoever added it.`,
    })),
    ...Array.from(others, (origin): Remark => ({
      code: "other-ledger",
      detail: `The repository carries checkpoints of another ledger, ${origin}: if that was this one, its database and key were replaced.`,
    })),
    ...(!anchors.some(isOurs)
      ? [
          {
            code: "not-anchored",
            detail: "No checkpoint was found outside of the database.",
          } as const,
        ]
      : []),
    ...(unsealed > 0
      ? [{ code: "events-unsealed", detail: `${unsealed} events wait to be sealed.` } as const]
      : []),
  ];
}
