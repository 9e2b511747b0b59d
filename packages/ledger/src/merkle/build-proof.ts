import { EMPTY_ROOT, hashNode, type Hash } from "./hashes.ts";
import { completeSubtrees, consistencyRanges, inclusionRanges, type Range } from "./ranges.ts";

/** Where the hashes of complete subtrees come from: memory in tests, tables in the ledger. */
export interface SubtreeReader {
  read(subtree: { readonly level: number; readonly index: number }): Promise<Hash>;
}

/** The hashes of an inclusion proof of leaf `index` in the tree of `size` leaves. */
export async function proveInclusion(
  reader: SubtreeReader,
  index: number,
  size: number,
): Promise<Hash[]> {
  return await Promise.all(inclusionRanges(index, size).map((range) => hashOf(reader, range)));
}

/** The hashes of a proof that the tree of `first` leaves is the beginning of that of `second`. */
export async function proveConsistency(
  reader: SubtreeReader,
  first: number,
  second: number,
): Promise<Hash[]> {
  return await Promise.all(consistencyRanges(first, second).map((range) => hashOf(reader, range)));
}

/** The root of the tree of the first `size` leaves. */
export async function rootAt(reader: SubtreeReader, size: number): Promise<Hash> {
  return size === 0 ? EMPTY_ROOT : await hashOf(reader, { start: 0, end: size });
}

async function hashOf(reader: SubtreeReader, range: Range): Promise<Hash> {
  const parts = await Promise.all(completeSubtrees(range).map((subtree) => reader.read(subtree)));
  const [last, ...rest] = parts.toReversed();
  if (last === undefined) throw new RangeError("expected a range with a leaf");
  return rest.reduce((right, left) => hashNode(left, right), last);
}
