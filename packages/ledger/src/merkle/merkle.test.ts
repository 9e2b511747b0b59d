import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { proveConsistency, proveInclusion, rootAt } from "./build-proof.ts";
import { Frontier } from "./frontier.ts";
import { EMPTY_ROOT, hashLeaf, hashNode, type Hash } from "./hashes.ts";
import { verifyConsistency, verifyInclusion } from "./verify-proof.ts";

const SIZES = 300;
const leaves = Array.from({ length: SIZES }, (_, n) => hashLeaf(Buffer.from(`leaf ${n}`)));
/** Every complete subtree that 300 appended leaves make, as the ledger would store it. */
const { nodes, roots } = grow();
const reader = {
  read: async ({ level, index }: { level: number; index: number }): Promise<Hash> =>
    nodes.get(`${level}/${index}`) ?? missing(level, index),
};

describe("the tree", () => {
  it("has at every size from 0 to 300 the root of a tree made by the definition", async () => {
    for (let size = 0; size <= SIZES; size += 1) {
      const naive = naiveRoot(leaves.slice(0, size));
      expect(roots[size]?.equals(naive), `appended, ${size}`).toBe(true);
      expect((await rootAt(reader, size)).equals(naive), `from subtrees, ${size}`).toBe(true);
    }
  });

  it("proves every leaf of every size up to 300, by the definition's proof", async () => {
    for (let size = 1; size <= SIZES; size += 1) {
      for (const index of size < 70 ? range(size) : [0, 1, size >> 1, size - 2, size - 1]) {
        const proof = await proveInclusion(reader, index, size);
        expect(hex(proof)).toEqual(hex(naivePath(index, leaves.slice(0, size))));
        expect(verifyInclusion(leaf(index), tree(size), proof)).toBe(true);
      }
    }
  });

  it("proves that every smaller tree is the beginning of a larger one", async () => {
    for (let second = 1; second <= SIZES; second += 1) {
      const firsts =
        second < 40 ? range(second + 1).slice(1) : [1, 2, 31, second >> 1, second - 1, second];
      for (const first of firsts) {
        const proof = await proveConsistency(reader, first, second);
        expect(verifyConsistency(tree(first), tree(second), proof), `${first} ${second}`).toBe(
          true,
        );
      }
    }
  });
});

describe("a proof", () => {
  it("holds for nothing but its leaf, its place, its tree and its hashes", async () => {
    const lie = fc.constantFrom("leaf", "place", "size", "root", "hash", "shorter", "longer");
    const size = fc.integer({ min: 2, max: SIZES });
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), lie, fc.nat(), async (n, at, what, which) => {
        const index = at % n;
        const proof = await proveInclusion(reader, index, n);
        const other = (index + 1 + (which % (n - 1))) % n;
        const claims: Record<typeof what, Parameters<typeof verifyInclusion>> = {
          leaf: [{ index, hash: leaf(other).hash }, tree(n), proof],
          place: [{ index: other, hash: leaf(index).hash }, tree(n), proof],
          size: [leaf(index), { size: 2 * n + 1, root: tree(n).root }, proof],
          root: [leaf(index), { size: n, root: tree((n + 1) % SIZES).root }, proof],
          hash: [leaf(index), tree(n), proof.with(which % proof.length, EMPTY_ROOT)],
          shorter: [leaf(index), tree(n), proof.slice(0, -1)],
          longer: [leaf(index), tree(n), [...proof, EMPTY_ROOT]],
        };
        expect(verifyInclusion(...claims[what])).toBe(false);
      }),
      { numRuns: 500, seed: 6962 },
    );
  });

  it("of a beginning holds for no tree in which an earlier leaf differs, is missing or moved", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 120 }),
        fc.integer({ min: 1, max: 120 }),
        fc.nat(),
        fc.constantFrom("change", "remove", "insert", "swap"),
        async (first, more, at, what) => {
          const index = at % (first - 1);
          const forged = leaves.slice(0, first + more);
          const [one, two] = [leaves[index], leaves[index + 1]];
          if (one === undefined || two === undefined) throw new Error("no such leaf");
          if (what === "change") forged[index] = EMPTY_ROOT;
          if (what === "remove") forged.splice(index, 1);
          if (what === "insert") forged.splice(index, 0, EMPTY_ROOT);
          if (what === "swap") forged.splice(index, 2, two, one);
          if (forged.length <= first) return;
          const built = grown(forged);
          const proof = await proveConsistency(built.reader, first, forged.length);
          expect(verifyConsistency(tree(first), built.head, proof)).toBe(false);
        },
      ),
      { numRuns: 300, seed: 9162 },
    );
  });

  it("of the empty tree, of a tree after itself or of what is no hash, is none", async () => {
    expect(verifyConsistency(tree(0), tree(5), [])).toBe(false);
    expect(verifyConsistency(tree(0), tree(0), [])).toBe(false);
    expect(verifyConsistency(tree(0), tree(5), [EMPTY_ROOT])).toBe(false);
    const none = Buffer.alloc(0);
    expect(verifyInclusion({ index: 0, hash: none }, { size: 1, root: none }, [])).toBe(false);
    expect(verifyConsistency({ size: 0, root: tree(5).root }, tree(5), [])).toBe(false);
    expect(verifyConsistency(tree(5), { size: 5, root: tree(4).root }, [])).toBe(false);
    expect(verifyConsistency(tree(5), tree(4), [])).toBe(false);
    expect(verifyInclusion({ index: 5, hash: leaf(5).hash }, tree(5), [])).toBe(false);
    await expect(proveInclusion(reader, 5, 5)).rejects.toThrow("expected a place below 5, got 5");
  });
});

function grow(): { nodes: Map<string, Hash>; roots: Hash[] } {
  const found = new Map<string, Hash>();
  const frontier = new Frontier();
  const seen = [frontier.root()];
  for (const [index, hash] of leaves.entries()) {
    found.set(`0/${index}`, hash);
    for (const node of frontier.append(hash)) found.set(`${node.level}/${node.index}`, node.hash);
    seen.push(frontier.root());
  }
  return { nodes: found, roots: seen };
}

function grown(hashes: readonly Hash[]) {
  const found = new Map<string, Hash>();
  const frontier = new Frontier();
  for (const [index, hash] of hashes.entries()) {
    found.set(`0/${index}`, hash);
    for (const node of frontier.append(hash)) found.set(`${node.level}/${node.index}`, node.hash);
  }
  const read = async ({ level, index }: { level: number; index: number }): Promise<Hash> =>
    found.get(`${level}/${index}`) ?? missing(level, index);
  return { reader: { read }, head: { size: hashes.length, root: frontier.root() } };
}

/** RFC 6962, 2.1, word by word. */
function naiveRoot(hashes: readonly Hash[]): Hash {
  const [only] = hashes;
  if (only === undefined) return EMPTY_ROOT;
  if (hashes.length === 1) return only;
  const k = split(hashes.length);
  return hashNode(naiveRoot(hashes.slice(0, k)), naiveRoot(hashes.slice(k)));
}

/** RFC 6962, 2.1.1, word by word. */
function naivePath(m: number, hashes: readonly Hash[]): Hash[] {
  if (hashes.length === 1) return [];
  const k = split(hashes.length);
  return m < k
    ? [...naivePath(m, hashes.slice(0, k)), naiveRoot(hashes.slice(k))]
    : [...naivePath(m - k, hashes.slice(k)), naiveRoot(hashes.slice(0, k))];
}

function split(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1));
}

function leaf(index: number): { index: number; hash: Hash } {
  return { index, hash: leaves[index] ?? missing(0, index) };
}

function tree(size: number): { size: number; root: Hash } {
  return { size, root: roots[size] ?? missing(-1, size) };
}

function missing(level: number, index: number): never {
  throw new Error(`there is no subtree ${level}/${index}`);
}

function hex(hashes: readonly Hash[]): string[] {
  return hashes.map((hash) => hash.toString("hex"));
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index);
}
