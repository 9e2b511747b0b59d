import { setImmediate } from "node:timers/promises";
import { LedgerError } from "../errors.ts";
import { retirements, type RecordedKey } from "../keys/key-records.ts";
import { Frontier } from "../merkle/frontier.ts";
import type { Anchor } from "../notes/anchor.ts";
import { openCheckpoint } from "../notes/checkpoint.ts";
import { LEAVES_AT_ONCE, sealedLedgers } from "../rows/leaf.ts";
import { checkLeaf, type Sealed } from "./check-leaf.ts";
import type { Findings } from "./findings.ts";
import type { Readers } from "./one-snapshot.ts";
import { readCheckpoints, readLeaves, readNodes } from "./read-pages.ts";
import type { VerificationReport } from "./report.ts";

/** What was gone through. */
export type Walk = Pick<VerificationReport, "size" | "checkpoints" | "checkpoint"> & {
  readonly sealed: Sealed;
};

/** From the first leaf to the last, with checkpoints and anchors where the tree has their size. */
export async function walkTree(
  readers: Readers,
  keys: readonly RecordedKey[],
  anchors: readonly Anchor[],
  found: Findings,
): Promise<Walk> {
  const [tx] = readers;
  const verifiers = keys.map(({ verifier }) => verifier);
  const retiring = retirements(keys);
  const retired = new Set<string>();
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
        if (retired.has(tree.keyId)) {
          found.add("checkpoint-forged", {
            leafIndex: value.size - 1,
            detail: `The checkpoint of ${value.size} events is signed with key ${tree.keyId}, which another one had replaced by then.`,
          });
        } else if (tree.size !== value.size) {
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
  for await (const page of readLeaves(readers)) {
    if (page.length === 0) {
      const { size } = frontier;
      found.add("leaf-removed", { leafIndex: size, detail: `Leaf ${size} and more are missing.` });
      return { size, checkpoints, checkpoint: held, sealed };
    }
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
      if (leaf.ledger === sealedLedgers.ledger_records) {
        const keyId = retiring.get(leaf.eventId);
        if (keyId !== undefined) retired.add(keyId);
      }
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
      if (frontier.size % LEAVES_AT_ONCE === 0) await setImmediate();
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
