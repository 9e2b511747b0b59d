import { createHash, hash as hashAtOnce } from "node:crypto";

/** A SHA-256 hash: 32 bytes. */
export type Hash = Buffer;

export const HASH_BYTES = 32;

/** The root of the tree without leaves (RFC 6962, 2.1): the hash of nothing. */
export const EMPTY_ROOT: Hash = createHash("sha256").digest();

/** The hash of a leaf, a text as UTF-8; the prefix keeps a leaf from posing as an inner node. */
export function hashLeaf(content: string | Uint8Array): Hash {
  const prefixed =
    typeof content === "string" ? `\u0000${content}` : Buffer.concat([Buffer.of(0), content]);
  return hashAtOnce("sha256", prefixed, "buffer");
}

/** Written anew for each node: making a buffer for each would take as long as hashing it. */
const node = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** The hash of a node over its two children. */
export function hashNode(left: Uint8Array, right: Uint8Array): Hash {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    // What somebody stored in place of a hash; whatever comes of it is not what was signed.
    return hashAtOnce("sha256", Buffer.concat([Buffer.of(1), left, right]), "buffer");
  }
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return hashAtOnce("sha256", node, "buffer");
}
