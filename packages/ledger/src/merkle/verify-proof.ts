import { HASH_BYTES, hashNode, type Hash } from "./hashes.ts";

/** A tree, as a checkpoint names it. */
export interface TreeHead {
  readonly size: number;
  readonly root: Hash;
}

/**
 * The root that an inclusion proof leads to; null where the proof has the wrong length for the
 * place of the leaf (RFC 9162, 2.1.3.2). Proofs are hostile input.
 */
export function rootOfInclusion(
  leaf: { readonly index: number; readonly hash: Hash },
  size: number,
  proof: readonly Hash[],
): Hash | null {
  if (!isPlace(leaf.index) || !isPlace(size) || leaf.index >= size) return null;
  // In a tree of one leaf this is the root: what is no hash would be proved by itself.
  if (leaf.hash.length !== HASH_BYTES) return null;
  let node = leaf.index;
  let last = size - 1;
  let root = leaf.hash;
  for (const sibling of proof) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      root = hashNode(sibling, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      root = hashNode(root, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? root : null;
}

export function verifyInclusion(
  leaf: { readonly index: number; readonly hash: Hash },
  tree: TreeHead,
  proof: readonly Hash[],
): boolean {
  return rootOfInclusion(leaf, tree.size, proof)?.equals(tree.root) ?? false;
}

/**
 * Whether the first tree is the beginning of the second (RFC 9162, 2.1.4.2): nothing that was in it
 * was changed, removed or reordered. Of the empty tree nothing is proved (0 < first, as in RFC 6962,
 * 2.1.2): every tree begins with it.
 */
export function verifyConsistency(
  first: TreeHead,
  second: TreeHead,
  proof: readonly Hash[],
): boolean {
  if (!isPlace(first.size) || !isPlace(second.size) || first.size > second.size) return false;
  if (first.size === 0) return false;
  if (first.size === second.size) return proof.length === 0 && first.root.equals(second.root);
  // The first root itself begins the path where the first tree is complete.
  const path = isPowerOfTwo(first.size) ? [first.root, ...proof] : [...proof];
  let node = first.size - 1;
  let last = second.size - 1;
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  const [begin, ...rest] = path;
  if (begin === undefined) return false;
  let [old, fresh] = [begin, begin];
  for (const hash of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = hashNode(hash, old);
      fresh = hashNode(hash, fresh);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      fresh = hashNode(fresh, hash);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && old.equals(first.root) && fresh.equals(second.root);
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isPlace(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function isPowerOfTwo(n: number): boolean {
  let power = 1;
  while (power < n) power *= 2;
  return power === n;
}
