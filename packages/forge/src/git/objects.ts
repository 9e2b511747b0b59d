import { ForgeError } from "../forge-error.ts";
import { Recent } from "../recent.ts";
import { writeBlob } from "./write-blob.ts";
import { writeChecked } from "./write-checked.ts";
import type { Git } from "./git.ts";
import { isSha, type Sha } from "./names.ts";

export type ObjectType = "blob" | "tree" | "commit" | "tag";

export interface GitObject {
  sha: Sha;
  type: ObjectType;
  data: Buffer;
}

// Objects never change, so a cached one is always right; blobs of any size would fill the memory.
const CACHE_ENTRIES = 5_000;
const CACHE_ENTRY_BYTES = 64 * 1024;
const SIZE_ENTRIES = 50_000;

/** Reads and writes git objects by name. */
export class ObjectStore {
  readonly #git: Git;
  readonly #cache = new Recent<GitObject>(CACHE_ENTRIES);
  readonly #sizes = new Recent<number>(SIZE_ENTRIES);

  constructor(git: Git) {
    this.#git = git;
  }

  /** What is in memory; git may have more. */
  held(sha: Sha): GitObject | undefined {
    return this.#cache.get(sha);
  }

  async read(sha: Sha): Promise<GitObject | undefined> {
    return (await this.readMany([sha]))[0];
  }

  /** In the order asked for; undefined for what does not exist. One git for all that is not cached. */
  async readMany(shas: readonly Sha[]): Promise<(GitObject | undefined)[]> {
    const found = new Map<Sha, GitObject>();
    const unknown = new Set<Sha>();
    for (const sha of shas.filter(isSha)) {
      const object = this.#cache.get(sha);
      if (object === undefined) unknown.add(sha);
      else found.set(sha, object);
    }
    if (unknown.size > 0) {
      const { stdout } = await this.#git.run(["cat-file", "--batch"], {
        input: `${[...unknown].join("\n")}\n`,
      });
      for (const object of parseBatch(stdout)) {
        found.set(object.sha, object);
        this.#remember(object);
      }
    }
    return shas.map((sha) => found.get(sha));
  }

  /** In bytes, of those that exist. */
  async sizes(shas: readonly Sha[]): Promise<Map<Sha, number>> {
    const sizes = new Map<Sha, number>();
    const unknown = new Set<Sha>();
    for (const sha of shas) {
      const size = this.#sizes.get(sha);
      if (size === undefined) unknown.add(sha);
      else sizes.set(sha, size);
    }
    if (unknown.size === 0) return sizes;
    const format = "--batch-check=%(objectname) %(objectsize)";
    const output = await this.#git.text(["cat-file", format], {
      input: [...unknown].map((sha) => `${sha}\n`).join(""),
    });
    for (const line of output.split("\n")) {
      const [sha = "", size] = line.split(" ");
      if (size === "missing") continue;
      sizes.set(sha, Number(size));
      this.#sizes.set(sha, Number(size));
    }
    return sizes;
  }

  /**
   * Writes exactly these bytes as an object. Git checks that commits and trees parse; in a blob there
   * is nothing to check, and most of what a forge writes are small ones.
   */
  async write(type: ObjectType, data: Buffer | string): Promise<Sha> {
    const sha =
      type === "blob"
        ? await writeBlob(this.#git.gitDirectory, Buffer.from(data))
        : await writeChecked(this.#git, type, data);
    this.#remember({ sha, type, data: Buffer.from(data) });
    return sha;
  }

  #remember(object: GitObject): void {
    this.#sizes.set(object.sha, object.data.length);
    if (object.data.length > CACHE_ENTRY_BYTES) return;
    this.#cache.set(object.sha, object);
  }
}

/** `<sha> <type> <size>\n<data>\n` after each other, and `<name> missing\n` for what is not there. */
function* parseBatch(output: Buffer): Generator<GitObject> {
  let offset = 0;
  while (offset < output.length) {
    const end = output.indexOf(0x0a, offset);
    const header = output.toString("utf8", offset, end);
    offset = end + 1;
    if (header.endsWith(" missing")) continue;
    const [sha, type, size] = header.split(" ");
    if (sha === undefined || type === undefined || size === undefined) {
      throw new ForgeError("git-failed", `git cat-file answered an unknown line: ${header}`);
    }
    const length = Number(size);
    // A copy, since a slice would keep the whole batch in memory.
    const data = Buffer.from(output.subarray(offset, offset + length));
    yield { sha, type: type as ObjectType, data };
    offset += length + 1;
  }
}
