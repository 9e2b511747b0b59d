import { EMPTY_ROOT, hashNode, type Hash } from "./hashes.ts";

/** A complete subtree: `index` counts the subtrees of its level from the left. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
  readonly hash: Hash;
}

/**
 * The right edge of a growing tree: the complete subtrees that are not yet part of a larger one, so
 * at most one a level. All that is needed to append and to know the root.
 */
export class Frontier {
  #size: number;
  #edge: Subtree[];

  /** `edge` from left to right, as `completeSubtrees` lists them. */
  constructor(size = 0, edge: readonly Subtree[] = []) {
    this.#size = size;
    this.#edge = [...edge];
  }

  get size(): number {
    return this.#size;
  }

  /** Answers the subtrees that this leaf completes, smallest first; the leaf itself is not among them. */
  append(leaf: Hash): Subtree[] {
    const completed: Subtree[] = [];
    let node: Subtree = { level: 0, index: this.#size, hash: leaf };
    while (node.index % 2 === 1) {
      const left = this.#edge.pop();
      if (left === undefined) throw new Error("the edge of the tree does not fit its size");
      node = {
        level: node.level + 1,
        index: (node.index - 1) / 2,
        hash: hashNode(left.hash, node.hash),
      };
      completed.push(node);
    }
    this.#edge.push(node);
    this.#size += 1;
    return completed;
  }

  root(): Hash {
    const [last, ...rest] = this.#edge.toReversed().map(({ hash }) => hash);
    if (last === undefined) return EMPTY_ROOT;
    return rest.reduce((right, left) => hashNode(left, right), last);
  }

  copy(): Frontier {
    return new Frontier(this.#size, this.#edge);
  }
}
