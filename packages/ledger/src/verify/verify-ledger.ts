import type { JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { LedgerError } from "../errors.ts";
import { readKeys, type RecordedKey } from "../keys/key-records.ts";
import { Frontier } from "../merkle/frontier.ts";
import { readAbandoned } from "../seal/accept-restore.ts";
import { openCheckpoint } from "../notes/checkpoint.ts";
import { checkLeaf, isEachSealed, type Sealed } from "./check-leaf.ts";
import { Findings } from "./findings.ts";
import { countUnsealed, readCheckpoints, readLeaves, readNodes, readStrays } from "./read-pages.ts";
import { type Anchor, type Remark, type VerificationReport } from "./report.ts";

export interface VerifyOptions {
  /** Checkpoints that were seen outside of the database: in the state directory, in the repository. */
  readonly anchors: readonly Anchor[];
}

/**
 * Computes the whole tree again from the rows and holds it against leaves, stored hashes, every
 * signed checkpoint and every anchor, in one snapshot of the database. Believes nothing that is
 * stored but what a key of the ledger has signed, and of the keys only what the tree proves.
 */
export async function verifyLedger(
  db: JarvisDatabase,
  { anchors }: VerifyOptions,
): Promise<VerificationReport> {
  const started = performance.now();
  return await db.transaction(
    async (tx) => {
      await tx.execute(sql`set local time zone 'UTC'`);
      // A page joins a few rows to millions: always by index, and each row once.
      await tx.execute(sql`set local enable_hashjoin = off`);
      await tx.execute(sql`set local enable_mergejoin = off`);
      await tx.execute(sql`set local enable_memoize = off`);
      const found = new Findings();
      const keys = await keysOrDivergence(tx, found);
      const origin = keys[0]?.verifier.name ?? null;
      const isOurs = (anchor: Anchor): boolean =>
        origin === null || anchor.origin === null || anchor.origin === origin;
      const verifiers = keys.map(({ verifier }) => verifier);
      const abandoned = await readAbandoned(tx, verifiers);
      const isAbandoned = ({ size }: Anchor): boolean =>
        abandoned.some(({ from, to }) => size > from && size <= to);
      // Of a size that was reached twice, one checkpoint is ours and the other was given up.
      const counted = anchors.filter(isOurs).filter((anchor) => !isAbandoned(anchor));
      const walk = await walkTree(tx, keys, counted, found);
      await tx.execute(sql`set local enable_hashjoin = on`);
      const strays =
        found.isEmpty() && (await isEachSealed(tx, walk.sealed)) ? [] : await readStrays(tx);
      for (const { ledger, id } of strays) {
        found.add("event-inserted", {
          event: { ledger, id },
          detail: `Row ${id} was not there when later rows were sealed.`,
        });
      }
      const unsealed = await countUnsealed(tx);
      return {
        ...found.report(),
        size: walk.size,
        checkpoints: walk.checkpoints,
        checkpoint: walk.checkpoint,
        anchors: anchors.filter(isOurs).length,
        unsealed,
        remarks: [
          ...remarksOn(keys, anchors, isOurs, unsealed),
          ...abandoned.map(({ recordId, from, to, reason }): Remark => ({
            code: "history-abandoned",
            detail: `Record ${recordId} goes on from ${from} events where ${to} had been seen: ${reason}`,
          })),
        ],
        durationMs: Math.round(performance.now() - started),
      };
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

async function keysOrDivergence(tx: JarvisDatabase, found: Findings): Promise<RecordedKey[]> {
  try {
    return await readKeys(tx);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    found.add("key-forged", { detail: error.message });
    return [];
  }
}

/** From the first leaf to the last, with checkpoints and anchors where the tree has their size. */
async function walkTree(
  tx: JarvisDatabase,
  keys: readonly RecordedKey[],
  anchors: readonly Anchor[],
  found: Findings,
): Promise<
  Pick<VerificationReport, "size" | "checkpoints" | "checkpoint"> & { readonly sealed: Sealed }
> {
  const verifiers = keys.map(({ verifier }) => verifier);
  const frontier = new Frontier();
  const nodes = await readNodes(tx);
  const seen = [...anchors].sort((a, b) => a.size - b.size);
  const signed = readCheckpoints(tx);
  const sealed = new Map<number, { leaves: number; newest: number }>();
  let checkpoint = await signed.next();
  let checkpoints = 0;
  let covered = 0;
  let rewritten = false;
  let held: VerificationReport["checkpoint"] = null;

  const atThisSize = async (): Promise<void> => {
    const { size } = frontier;
    while (seen[0] !== undefined && seen[0].size <= size) {
      const anchor = seen.shift();
      if (anchor !== undefined && anchor.root !== frontier.root().toString("base64")) {
        found.add("history-forked", {
          leafIndex: covered,
          detail: `The tree of ${size} events is another one in ${anchor.where}.`,
        });
      }
    }
    while (checkpoint.done !== true && checkpoint.value.size <= size) {
      const { value } = checkpoint;
      checkpoint = await signed.next();
      checkpoints += 1;
      try {
        const tree = openCheckpoint(value.note, verifiers);
        if (tree.size !== value.size) {
          found.add("checkpoint-forged", {
            leafIndex: value.size - 1,
            detail: `The checkpoint stored as ${value.size} is signed for ${tree.size}.`,
          });
        } else if (!tree.root.equals(frontier.root()) && !rewritten) {
          // Every later root differs with this one.
          rewritten = true;
          found.add("tree-rewritten", {
            leafIndex: covered,
            detail: `Something between event ${covered} and ${size - 1} of the tree is not what was signed.`,
          });
        } else if (!rewritten) held = { size, root: tree.root.toString("base64") };
        covered = size;
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        found.add("checkpoint-forged", {
          leafIndex: value.size - 1,
          detail: `The checkpoint of ${value.size} events: ${error.message}`,
        });
      }
    }
  };

  await atThisSize();
  for await (const page of readLeaves(tx)) {
    for (const leaf of page) {
      if (leaf.leafIndex !== frontier.size) {
        const duplicate = leaf.leafIndex === frontier.size - 1;
        found.add(duplicate ? "event-duplicated" : "leaf-removed", {
          ...(duplicate ? { event: { ledger: leaf.ledger, id: leaf.eventId } } : {}),
          leafIndex: Math.min(leaf.leafIndex, frontier.size),
          detail: duplicate
            ? `More than one row has the id ${leaf.eventId}.`
            : `Expected leaf ${frontier.size}, got ${leaf.leafIndex}.`,
        });
        if (duplicate) continue;
        return { size: frontier.size, checkpoints, checkpoint: held, sealed };
      }
      checkLeaf(leaf, sealed, found);
      for (const { level, index, hash } of frontier.append(Buffer.from(leaf.leafHash))) {
        if (level % 8 !== 0) continue;
        const stored = nodes.get(`${level}/${index}`);
        if (stored === undefined || !hash.equals(stored)) {
          found.add("node-changed", {
            leafIndex: frontier.size - 1,
            detail: `The stored hash of level ${level}, number ${index}, is not that of its leaves.`,
          });
        }
        nodes.delete(`${level}/${index}`);
      }
      if (checkpoint.done !== true || seen.length > 0) await atThisSize();
    }
  }
  for (const [place] of nodes) {
    found.add("node-changed", { detail: `The stored hash ${place} has no leaves.` });
  }
  return { size: finish(), checkpoints, checkpoint: held, sealed };

  function finish(): number {
    const { size } = frontier;
    if (covered < size) {
      found.add("leaves-unsigned", {
        leafIndex: covered,
        detail: `The newest checkpoint covers ${covered} events, there are ${size}.`,
      });
    }
    for (const anchor of seen) {
      found.add("ledger-truncated", {
        leafIndex: size,
        detail: `${anchor.where} names ${anchor.size} events, there are ${size}.`,
      });
    }
    if (checkpoint.done !== true) {
      found.add("leaf-removed", {
        leafIndex: size,
        detail: `There is a checkpoint of ${checkpoint.value.size} events and there are ${size}.`,
      });
    }
    return size;
  }
}

function remarksOn(
  keys: readonly RecordedKey[],
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
