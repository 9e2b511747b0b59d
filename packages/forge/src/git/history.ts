import { parseCommit } from "./commit.ts";
import type { Git } from "./git.ts";
import type { Sha } from "./names.ts";
import type { ObjectStore } from "./objects.ts";

/** Two commits of which each descends from `base` by single parents alone. */
interface Fork {
  base: Sha;
  /** What is in the one commit and not in the other, newest first. */
  above: readonly Sha[];
}

// What a forge is asked of lately is a few commits apart; git looks further.
const LONGEST_LINE = 1_000;

/** Questions about how commits follow each other. */
export class History {
  readonly #git: Git;
  readonly #objects: Pick<ObjectStore, "held">;

  constructor(git: Git, objects: Pick<ObjectStore, "held">) {
    this.#git = git;
    this.#objects = objects;
  }

  /** A commit is its own ancestor. */
  async isAncestor(ancestor: Sha, descendant: Sha): Promise<boolean> {
    if (ancestor === descendant) return true;
    return (await this.mergeBase(ancestor, descendant)) === ancestor;
  }

  /** One of the best, where there are several, and the same one whatever the order of the two. */
  async mergeBase(a: Sha, b: Sha): Promise<Sha | undefined> {
    const fork = this.#findFork(a, b);
    if (fork !== undefined) return fork.base;
    const base = await this.#git.known(["merge-base", ...[a, b].toSorted()], { okCodes: [1] });
    return base === "" ? undefined : base;
  }

  /** What is in `to` and not in `from`, oldest first, parents before children. */
  async between(from: Sha, to: Sha, options: { merges: boolean }): Promise<Sha[]> {
    const fork = this.#findFork(from, to);
    if (fork !== undefined) return fork.above.toReversed();
    if (await this.isAncestor(to, from)) return [];
    return this.#list([
      "--topo-order",
      "--reverse",
      ...(options.merges ? [] : ["--no-merges"]),
      to,
      `^${from}`,
    ]);
  }

  /** Newest first, as GitHub lists commits. */
  async log(
    from: Sha,
    page: { skip: number; count: number; path: string | undefined },
  ): Promise<{ shas: Sha[]; total: number }> {
    // A literal pathspec: what a client asks for is a path and never a pattern.
    const paths = page.path === undefined ? [] : ["--", `:(top,literal)${page.path}`];
    const shas = await this.#list([
      `--skip=${page.skip}`,
      `--max-count=${page.count}`,
      from,
      ...paths,
    ]);
    const total = await this.#git.known(["rev-list", "--count", from, ...paths]);
    return { shas, total: Number(total) };
  }

  /** How many commits are in `to` and not in `from`. */
  async countBetween(from: Sha, to: Sha): Promise<number> {
    const fork = this.#findFork(from, to);
    if (fork !== undefined) return fork.above.length;
    if (await this.isAncestor(to, from)) return 0;
    return Number(await this.#git.known(["rev-list", "--count", to, `^${from}`]));
  }

  /**
   * Where two commits meet, if all on the way there is held in memory and none of it is a merge: then
   * there is one way only, and git would answer the same. Undefined is left to git.
   */
  #findFork(from: Sha, to: Sha): Fork | undefined {
    const below = new Set<Sha>();
    const above = new Set<Sha>();
    let [left, right]: (Sha | undefined)[] = [from, to];
    const forkAt = (base: Sha): Fork => {
      const line = [...above, base];
      return { base, above: line.slice(0, line.indexOf(base)) };
    };
    for (let steps = 0; steps < LONGEST_LINE; steps += 1) {
      if (left !== undefined) below.add(left);
      if (right !== undefined && below.has(right)) return forkAt(right);
      if (right !== undefined) above.add(right);
      left = left && this.#onlyParent(left);
      if (left !== undefined && above.has(left)) return forkAt(left);
      right = right && this.#onlyParent(right);
      if (left === undefined && right === undefined) return undefined;
    }
    return undefined;
  }

  #onlyParent(sha: Sha): Sha | undefined {
    const object = this.#objects.held(sha);
    if (object?.type !== "commit") return undefined;
    const { parents } = parseCommit(object);
    return parents.length === 1 ? parents[0] : undefined;
  }

  async #list(args: readonly string[]): Promise<Sha[]> {
    const output = await this.#git.known(["rev-list", ...args]);
    return output.split("\n").filter((line) => line !== "");
  }
}
