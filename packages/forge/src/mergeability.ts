import { mergeTree } from "./git/merge.ts";
import type { Sha } from "./git/names.ts";
import { Recent } from "./recent.ts";
import type { Repository } from "./repository.ts";

export interface Mergeability {
  mergeable: boolean;
  /** Whether the head contains the base. */
  upToDate: boolean;
}

// Two commits either merge or do not, for ever; the bound is for the memory.
const CACHE_ENTRIES = 1_000;

/** Whether two commits merge, computed once a pair. */
export class MergeabilityCache {
  readonly #repository: Repository;
  readonly #known = new Recent<Mergeability>(CACHE_ENTRIES);
  readonly #running = new Map<string, Promise<Mergeability>>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /**
   * What is known at this moment. As on GitHub the first question only starts the work: the answer is
   * undefined, and the client asks again.
   */
  peek(base: Sha, head: Sha): Mergeability | undefined {
    const known = this.#known.get(`${base} ${head}`);
    // Who merges computes it again and hears of the failure; a look has nobody to tell.
    if (known === undefined) this.compute(base, head).catch(() => undefined);
    return known;
  }

  async compute(base: Sha, head: Sha): Promise<Mergeability> {
    const key = `${base} ${head}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const running = this.#running.get(key) ?? this.#work(base, head);
    this.#running.set(key, running);
    try {
      const result = await running;
      this.#known.set(key, result);
      return result;
    } finally {
      this.#running.delete(key);
    }
  }

  async #work(base: Sha, head: Sha): Promise<Mergeability> {
    const upToDate = await this.#repository.history.isAncestor(base, head);
    // What contains the base has nothing to conflict with.
    if (upToDate) return { mergeable: true, upToDate };
    const tree = await mergeTree(this.#repository.git, base, head);
    return { mergeable: tree !== undefined, upToDate };
  }
}
