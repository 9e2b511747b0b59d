import { hash as hashAtOnce } from "node:crypto";
import { z } from "zod";
import { openStatement } from "../attest/envelope.ts";
import { LedgerError } from "../errors.ts";
import { keysOf, type RecordedKey } from "../keys/key-records.ts";
import { hashLeaf } from "../merkle/hashes.ts";
import { verifyConsistency, verifyInclusion, type TreeHead } from "../merkle/verify-proof.ts";
import { openCheckpoint, readTreeHead } from "../notes/checkpoint.ts";
import type { Anchor } from "../verify/report.ts";
import { bundle, type Bundle, type ProvedLeaf } from "./bundle.ts";

/** What a bundle proves. Everything in it was recomputed. */
export interface BundleVerdict {
  readonly ledger: string;
  readonly id: number;
  readonly leafIndex: number;
  /** The row, out of the proved content. */
  readonly row: unknown;
  readonly checkpointSize: number;
  readonly keyId: string;
  /** False where the key that signed was added without the key before it. */
  readonly keyIntroduced: boolean;
  /** The commit that carries a checkpoint over the event. */
  readonly anchoredBy: string;
  /** Statements that a key of the ledger signed about the event's run. */
  readonly statements: readonly unknown[];
}

const row = z.looseObject({ id: z.number() });
const rowOfLeaf = z.union([
  z.object({ ledger: z.string(), row }),
  // A row that has no canonical form; see `leafContent`.
  z.object({ ledger: z.string(), rowText: z.string() }),
]);
const recordRow = z.looseObject({ id: z.number(), kind: z.string(), data: z.unknown() });
const attested = z.object({ digest: z.string() });

/**
 * Judges a bundle by nothing but itself and the checkpoints that a clone of the repository carries.
 * Bundles are hostile input.
 * @throws LedgerError `malformed-bundle` with what does not hold
 */
export function checkBundle(input: unknown, anchors: readonly Anchor[]): BundleVerdict {
  const parsed = bundle.safeParse(input);
  if (!parsed.success) throw refuse("it does not have the shape of a bundle");
  const given = parsed.data;
  const tree = readTreeHead(given.checkpoint);
  const keys = provedKeys(given, tree);
  const { keyId } = openCheckpoint(
    given.checkpoint,
    keys.map(({ verifier }) => verifier),
  );
  requireIncluded(given.event, tree, "the event");
  const signedBy = keys.find(({ verifier }) => verifier.keyId === keyId);
  const { row: found, ledger } = rowOf(given.event);
  if (ledger !== given.event.ledger || found.id !== given.event.id) {
    throw refuse(`the proved row is ${found.id} of ${ledger}`);
  }
  return {
    ledger,
    id: found.id,
    leafIndex: given.event.index,
    row: found,
    checkpointSize: tree.size,
    keyId,
    keyIntroduced: signedBy !== undefined && signedBy.standing !== "unvouched",
    anchoredBy: anchorOver(given, tree, anchors),
    statements: statementsOf(given, tree, keys),
  };
}

/** Keys count only where the tree itself holds their records. */
function provedKeys(given: Bundle, tree: TreeHead): RecordedKey[] {
  const records = given.keys.map((leaf) => {
    requireIncluded(leaf, tree, "a key");
    const { row: found, ledger } = rowOf(leaf);
    const record = recordRow.safeParse(found);
    if (ledger !== "ledger_records" || !record.success || record.data.kind !== "key_added") {
      throw refuse("what it names a key is no key");
    }
    return { recordId: record.data.id, data: record.data.data };
  });
  const keys = keysOf(records);
  if (keys.some(({ standing }, index) => (standing === "first") !== (index === 0))) {
    throw refuse("its keys are not in order");
  }
  return keys;
}

/** A checkpoint over the event that the clone carries as well, of which the bundle's tree is a continuation. */
function anchorOver(given: Bundle, tree: TreeHead, anchors: readonly Anchor[]): string {
  const carried = new Map(anchors.map(({ size, root, where }) => [`${size} ${root}`, where]));
  let history: string | null = null;
  for (const { size, root, proof } of given.anchors.toSorted((a, b) => a.size - b.size)) {
    const where = carried.get(`${size} ${root}`);
    if (where === undefined) continue;
    const first = { size, root: Buffer.from(root, "base64") };
    if (!verifyConsistency(first, tree, proof.map(fromText))) {
      throw refuse(`its tree is not a continuation of the checkpoint in ${where}`);
    }
    if (size > given.event.index) return where;
    history = where;
  }
  throw refuse(
    history === null
      ? "the clone carries no checkpoint of this ledger (fetch its base branch and refs/jarvis/checkpoints)"
      : `the newest checkpoint that the clone carries, in ${history}, is older than the event`,
  );
}

function statementsOf(given: Bundle, tree: TreeHead, keys: readonly RecordedKey[]): unknown[] {
  const verifiers = keys.map(({ verifier }) => verifier);
  return given.evidence.flatMap(({ record, attestations }) => {
    requireIncluded(record, tree, "an attestation");
    const data = attested.safeParse(recordRow.parse(rowOf(record).row).data);
    const digest = `sha256:${hashAtOnce("sha256", attestations, "hex")}`;
    if (!data.success || data.data.digest !== digest) {
      throw refuse("an attestation is not the one that was sealed");
    }
    return attestations
      .trimEnd()
      .split("\n")
      .map((line) => openStatement(line, verifiers).statement);
  });
}

function requireIncluded(leaf: ProvedLeaf, tree: TreeHead, what: string): void {
  const hash = hashLeaf(leaf.content);
  if (!verifyInclusion({ index: leaf.index, hash }, tree, leaf.proof.map(fromText))) {
    throw refuse(`the proof of ${what} does not lead to the checkpoint`);
  }
}

function rowOf({ content }: ProvedLeaf): { ledger: string; row: z.infer<typeof row> } {
  try {
    const leaf = rowOfLeaf.parse(JSON.parse(content));
    return "row" in leaf ? leaf : { ledger: leaf.ledger, row: row.parse(JSON.parse(leaf.rowText)) };
  } catch (cause) {
    throw refuse("a leaf is no row", cause);
  }
}

function fromText(hash: string): Buffer {
  return Buffer.from(hash, "base64");
}

function refuse(what: string, cause?: unknown): LedgerError {
  return new LedgerError("malformed-bundle", `The bundle proves nothing: ${what}.`, { cause });
}
