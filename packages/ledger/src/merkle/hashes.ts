import { createHash, hash as hashAtOnce } from "node:crypto";

/** A SHA-256 hash: 32 bytes. */
export type Hash = Buffer;

export const HASH_BYTES = 32;

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

/** The root of the tree without leaves (RFC 6962, 2.1): the hash of nothing. */
export const EMPTY_ROOT: Hash = createHash("sha256").digest();

/** The hash of a leaf; the prefix keeps a leaf from posing as an inner node. */
export function hashLeaf(content: Uint8Array): Hash {
  return hashAtOnce("sha256", Buffer.concat([LEAF, content]), "buffer");
}

/** The hash of a node over its two children. */
export function hashNode(left: Uint8Array, right: Uint8Array): Hash {
  return hashAtOnce("sha256", Buffer.concat([NODE, left, right]), "buffer");
}
