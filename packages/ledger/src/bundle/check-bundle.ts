import { hash as hashAtOnce } from "node:crypto";
import { z } from "zod";
import { openStatement } from "../attest/envelope.ts";
import { LedgerError } from "../errors.ts";
import { ledgerNamedBy } from "../keys/key-file.ts";
import { keysOf, retirements, trusted, type RecordedKey } from "../keys/key-records.ts";
import { hashLeaf } from "../merkle/hashes.ts";
import { verifyConsistency, verifyInclusion, type TreeHead } from "../merkle/verify-proof.ts";
import type { Anchor } from "../notes/anchor.ts";
import { openCheckpoint, readTreeHead } from "../notes/checkpoint.ts";
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
  /** False where a key that signed any of it was added without the key before it. */
  readonly keyIntroduced: boolean;
  /** The commit that carries a checkpoint over the event. */
  readonly anchoredBy: string;
  /** Statements that a key of the ledger signed about the event's run, below a checkpoint that the clone carries. */
  readonly statements: readonly unknown[];
  /** How many more there are that the clone's checkpoints do not cover: they count for nothing yet. */
  readonly unanchoredStatements: number;
}

const row = z.looseObject({ id: z.number() });
const rowOfLeaf = z.union([
  z.object({ ledger: z.string(), row }),
  // A row that has no canonical form; see `leafContent`.
  z.object({ ledger: z.string(), rowText: z.string() }),
]);
const recordRow = z.looseObject({ id: z.number(), kind: z.string(), data: z.unknown() });
const aboutSubject = z.object({ subject: z.unknown() });
const aboutRun = z.object({
  predicate: z.object({ jarvis: z.object({ runId: z.string() }) }),
});
const attested = z.object({ digest: z.string(), runId: z.string() });

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
  const ours = anchors.filter(({ origin }) => origin === tree.origin);
  const keys = provedKeys(given, tree);
  const { keyId } = openCheckpoint(
    given.checkpoint,
    inForceAt(tree.size, keys, given).map(({ verifier }) => verifier),
  );
  requireIncluded(given.event, tree, "the event");
  const { row: found, ledger } = rowOf(given.event);
  if (ledger !== given.event.ledger || found.id !== given.event.id) {
    throw refuse(`the proved row is ${found.id} of ${ledger}`);
  }
  const anchored = anchorOver(given, tree, ours);
  // What lies behind it, whoever sends the bundle could have added to the tree.
  for (const leaf of given.keys) requireAnchored(leaf, anchored, "a key");
  // Whoever holds a key that was replaced can lead the tree on from there, and attest anything in it.
  const attestations = statementsOf(given, tree, keys);
  const evidence = attestations.filter(({ index }) => index < anchored.size);
  const introduced = new Set(trusted(keys).map(({ verifier }) => verifier.keyId));
  return {
    ledger,
    id: found.id,
    leafIndex: given.event.index,
    row: found,
    checkpointSize: tree.size,
    keyId,
    keyIntroduced: [keyId, ...evidence.map((each) => each.keyId)].every((id) => introduced.has(id)),
    anchoredBy: anchored.where,
    statements: evidence.map(({ statement }) => statement),
    unanchoredStatements: attestations.length - evidence.length,
  };
}

/** Keys count only where the tree itself holds their records, and the first has named the ledger. */
function provedKeys(
  given: Bundle,
  tree: TreeHead & { readonly origin: string },
): readonly RecordedKey[] {
  const records = given.keys.map((leaf) => {
    requireIncluded(leaf, tree, "a key");
    const { row: found, ledger } = rowOf(leaf);
    const record = recordRow.safeParse(found);
    if (ledger !== "ledger_records" || !record.success || record.data.kind !== "key_added") {
      throw refuse("what it names a key is no key");
    }
    return { recordId: record.data.id, data: record.data.data };
  });
  const { keys } = keysOf(records);
  const [first] = keys;
  if (first !== undefined && ledgerNamedBy(first.verifier.publicKey) !== tree.origin) {
    throw refuse("its first key is not the one that its ledger is named by");
  }
  return keys;
}

/** A checkpoint over the event that the clone carries as well, of which the bundle's tree is a continuation. */
function anchorOver(given: Bundle, tree: TreeHead, anchors: readonly Anchor[]): Anchored {
  const carried = new Map(anchors.map(({ size, root, where }) => [`${size} ${root}`, where]));
  let history: Anchored | null = null;
  let over: string | null = null;
  for (const { size, root, proof } of given.anchors.toSorted((a, b) => a.size - b.size)) {
    const where = carried.get(`${size} ${root}`);
    if (where === undefined) continue;
    const first = { size, root: Buffer.from(root, "base64") };
    if (!verifyConsistency(first, tree, proof.map(fromText))) {
      throw refuse(`its tree is not a continuation of the checkpoint in ${where}`);
    }
    if (size > given.event.index) over ??= where;
    history = { where, size };
  }
  if (history !== null && over !== null) return { where: over, size: history.size };
  throw refuse(
    history === null
      ? "the clone carries no checkpoint of this ledger (fetch its base branch and refs/jarvis/checkpoints)"
      : `the newest checkpoint that the clone carries, in ${history.where}, is older than the event (fetch refs/jarvis/checkpoints, or have the bundle made again)`,
  );
}

/** The oldest commit whose checkpoint is over the event, and the size of the newest that is carried. */
interface Anchored {
  readonly where: string;
  readonly size: number;
}

function requireAnchored(leaf: ProvedLeaf, { size }: Anchored, what: string): void {
  if (leaf.index < size) return;
  throw refuse(
    `${what} is newer than every checkpoint that the clone carries (fetch its base branch and refs/jarvis/checkpoints)`,
  );
}

function statementsOf(
  given: Bundle,
  tree: TreeHead,
  keys: readonly RecordedKey[],
): { statement: unknown; keyId: string; index: number }[] {
  const { run_id: runId } = rowOf(given.event).row;
  return given.evidence.flatMap(({ record, attestations }) => {
    requireIncluded(record, tree, "an attestation");
    const { row: found, ledger } = rowOf(record);
    const about = recordRow.safeParse(found);
    const data = attested.safeParse(about.data?.data);
    if (ledger !== "ledger_records" || about.data?.kind !== "evidence_attested" || !data.success) {
      throw refuse("what it names an attestation is none");
    }
    if (data.data.runId !== runId) throw refuse("an attestation is about another run");
    if (data.data.digest !== `sha256:${hashAtOnce("sha256", attestations, "hex")}`) {
      throw refuse("an attestation is not the one that was sealed");
    }
    const verifiers = inForceAt(record.index, keys, given).map(({ verifier }) => verifier);
    const opened = attestations
      .trimEnd()
      .split("\n")
      .map((line) => ({ ...openStatement(line, verifiers), index: record.index }));
    // The record may be newer than what the clone carries: the signed words have to say it too.
    requireAbout(
      runId,
      opened.map(({ statement }) => statement),
    );
    return opened;
  });
}

/** The keys that no sealed record before that leaf had replaced. */
function inForceAt(
  index: number,
  keys: readonly RecordedKey[],
  { keys: leaves }: Bundle,
): RecordedKey[] {
  const retiring = retirements(keys);
  const retired = new Set(
    leaves.filter((leaf) => leaf.index < index).map((leaf) => retiring.get(rowOf(leaf).row.id)),
  );
  return keys.filter(({ verifier }) => !retired.has(verifier.keyId));
}

/** One of the statements names the run, and all are about the same commit. */
function requireAbout(runId: unknown, statements: readonly unknown[]): void {
  const subjects = new Set(
    statements.map((statement) => JSON.stringify(aboutSubject.safeParse(statement).data?.subject)),
  );
  const runs = statements.flatMap((statement) => aboutRun.safeParse(statement).data ?? []);
  const isOfRun =
    runs.length > 0 && runs.every(({ predicate }) => predicate.jarvis.runId === runId);
  if (subjects.size !== 1 || !isOfRun) throw refuse("an attestation is about another run");
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
