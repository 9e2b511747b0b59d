import type { Git } from "./git.ts";
import type { Sha } from "./names.ts";

// What commits are to each other never changes; the bound is for the memory.
const CACHE_ENTRIES = 5_000;

/** Questions about how commits follow each other. */
export class History {
  readonly #git: Git;
  readonly #ancestors = new Map<string, boolean>();

  constructor(git: Git) {
    this.#git = git;
  }

  /** A commit is its own ancestor. */
  async isAncestor(ancestor: Sha, descendant: Sha): Promise<boolean> {
    if (ancestor === descendant) return true;
    const key = `${ancestor} ${descendant}`;
    const known = this.#ancestors.get(key);
    if (known !== undefined) return known;
    const { code } = await this.#git.run(["merge-base", "--is-ancestor", ancestor, descendant], {
      okCodes: [1],
    });
    if (this.#ancestors.size >= CACHE_ENTRIES) this.#ancestors.clear();
    this.#ancestors.set(key, code === 0);
    return code === 0;
  }

  async mergeBase(a: Sha, b: Sha): Promise<Sha | undefined> {
    const base = await this.#git.text(["merge-base", a, b], { okCodes: [1] });
    return base === "" ? undefined : base;
  }

  /** What is in `to` and not in `from`, oldest first, parents before children. */
  async between(from: Sha, to: Sha, options: { merges: boolean }): Promise<Sha[]> {
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
    const total = await this.#git.text(["rev-list", "--count", from, ...paths]);
    return { shas, total: Number(total) };
  }

  async count(from: Sha, to: Sha): Promise<{ ahead: number; behind: number }> {
    const output = await this.#git.text(["rev-list", "--left-right", "--count", `${from}...${to}`]);
    const [behind, ahead] = output.split("\t").map(Number);
    return { ahead: ahead ?? 0, behind: behind ?? 0 };
  }

  async #list(args: readonly string[]): Promise<Sha[]> {
    const output = await this.#git.text(["rev-list", ...args]);
    return output.split("\n").filter((line) => line !== "");
  }
}
