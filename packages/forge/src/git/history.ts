import type { Git } from "./git.ts";
import type { Sha } from "./names.ts";

/** Questions about how commits follow each other. */
export class History {
  readonly #git: Git;

  constructor(git: Git) {
    this.#git = git;
  }

  /** A commit is its own ancestor. */
  async isAncestor(ancestor: Sha, descendant: Sha): Promise<boolean> {
    if (ancestor === descendant) return true;
    return (await this.mergeBase(ancestor, descendant)) === ancestor;
  }

  /** One of the best, where there are several, and the same one whatever the order of the two. */
  async mergeBase(a: Sha, b: Sha): Promise<Sha | undefined> {
    const base = await this.#git.known(["merge-base", ...[a, b].toSorted()], { okCodes: [1] });
    return base === "" ? undefined : base;
  }

  /** What is in `to` and not in `from`, oldest first, parents before children. */
  async between(from: Sha, to: Sha, options: { merges: boolean }): Promise<Sha[]> {
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
    if (await this.isAncestor(to, from)) return 0;
    return Number(await this.#git.known(["rev-list", "--count", to, `^${from}`]));
  }

  async #list(args: readonly string[]): Promise<Sha[]> {
    const output = await this.#git.known(["rev-list", ...args]);
    return output.split("\n").filter((line) => line !== "");
  }
}
