import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { SelfExtensionError } from "../errors.ts";
import { diffTrees, listTree, readBlob, type Mirror, type TreeEntry } from "../git/mirror.ts";
import { gitEnvironment, gitText, runGit } from "../git/run-git.ts";
import { refuseChanges, refuseContent } from "../proposal.ts";

/** Longer files are no source that an author writes or reads at once. */
const FILE_BYTES = 512 * 1024;
const CHANGED_FILES = 200;

export interface FoundLine {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/**
 * A tree with changes that exist nowhere but here: what is written is kept in memory, and turned into
 * git objects where somebody asks for the tree or the patch. No file is made on a disk, so that there
 * is nothing outside of the tree that a path or a link could reach.
 *
 * Paths and contents come from a model: everything is refused here that staging would refuse.
 * Refusals are thrown as `scratch-refused`, with a sentence for the author.
 */
export class ScratchTree {
  readonly baseTree: string;
  readonly #mirror: Mirror;
  readonly #base: ReadonlyMap<string, TreeEntry>;
  /** Null is a file that was taken away. */
  readonly #written = new Map<string, string | null>();

  private constructor(mirror: Mirror, baseTree: string, entries: readonly TreeEntry[]) {
    this.#mirror = mirror;
    this.baseTree = baseTree;
    this.#base = new Map(entries.map((entry) => [entry.path, entry]));
  }

  static async open(mirror: Mirror, baseTree: string): Promise<ScratchTree> {
    return new ScratchTree(mirror, baseTree, await listTree(mirror, baseTree));
  }

  /** Every file, in the order of their names. */
  paths(): string[] {
    const kept = [...this.#base.keys()].filter((path) => this.#written.get(path) !== null);
    const added = [...this.#written].flatMap(([path, content]) =>
      content === null || this.#base.has(path) ? [] : [path],
    );
    return [...kept, ...added].sort();
  }

  /** What lies directly in a directory ("" is the root); directories end with `/`. */
  list(directory: string): string[] {
    const prefix = directory === "" || directory === "." ? "" : `${directory.replace(/\/+$/, "")}/`;
    const names = this.paths()
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length))
      .map((rest) => (rest.includes("/") ? `${rest.slice(0, rest.indexOf("/"))}/` : rest));
    if (names.length === 0) throw refused(`There is no directory ${JSON.stringify(directory)}.`);
    return [...new Set(names)];
  }

  async read(path: string): Promise<string> {
    const written = this.#written.get(path);
    if (written !== undefined && written !== null) return written;
    const entry = written === null ? undefined : this.#base.get(path);
    if (entry === undefined) throw refused(`There is no file ${JSON.stringify(path)}.`);
    if (!entry.mode.startsWith("100")) throw refused(`${path} is a link and no file.`);
    const content = await readBlob(this.#mirror, entry.sha);
    if (content.length > FILE_BYTES) {
      throw refused(`${path} takes ${content.length} bytes, more than can be read here.`);
    }
    const text = content.toString("utf8");
    if (!Buffer.from(text).equals(content)) throw refused(`${path} is no text.`);
    return text;
  }

  write(path: string, content: string): void {
    this.#requireWritable(path);
    const bytes = Buffer.byteLength(content);
    if (bytes > FILE_BYTES) {
      throw refused(`${path} would take ${bytes} bytes; a file may have ${FILE_BYTES}.`);
    }
    const [problem] = refuseContent(path, Buffer.from(content), { allowBinary: false });
    if (problem !== undefined) throw refused(problem.detail);
    this.#written.set(path, content);
  }

  /** Replaces the one place where a text stands. */
  async edit(path: string, before: string, after: string): Promise<void> {
    const content = await this.read(path);
    if (before === "") throw refused("The text to be replaced is empty.");
    const places = content.split(before).length - 1;
    if (places !== 1) {
      const what = places === 0 ? "does not stand" : `stands ${places} times`;
      throw refused(`The text to be replaced ${what} in ${path}; name more of what is around it.`);
    }
    // Not `replace`, which reads `$` in what comes instead.
    const at = content.indexOf(before);
    this.write(path, content.slice(0, at) + after + content.slice(at + before.length));
  }

  delete(path: string): void {
    const isThere = this.#written.has(path)
      ? this.#written.get(path) !== null
      : this.#base.has(path);
    if (!isThere) throw refused(`There is no file ${JSON.stringify(path)}.`);
    this.#requireWritable(path);
    if (this.#base.has(path)) this.#written.set(path, null);
    else this.#written.delete(path);
  }

  /** The lines that hold a literal text, in a directory or everywhere (""). */
  async search(text: string, under: string, limit: number): Promise<FoundLine[]> {
    if (text === "" || text.includes("\0") || text.includes("\n")) {
      throw refused("A search is for one line of text.");
    }
    const scope = under === "" || under === "." ? [] : ["--", `:(literal)${under}`];
    const { stdout } = await runGit(
      ["grep", "-I", "-n", "--null", "--fixed-strings", "-e", text, await this.tree(), ...scope],
      { gitDir: this.#mirror.gitDir, accept: [0, 1] },
    );
    return stdout
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "")
      .slice(0, limit)
      .map((line) => {
        const [place = "", number = "", found = ""] = line.split("\0");
        return {
          path: place.slice(place.indexOf(":") + 1),
          line: Number(number),
          text: found.slice(0, 400),
        };
      });
  }

  /** The id of the tree as it is now; its objects are in the mirror. */
  async tree(): Promise<string> {
    if (this.#written.size === 0) return this.baseTree;
    const { gitDir } = this.#mirror;
    const zero = "0".repeat(this.baseTree.length);
    const entries: string[] = [];
    for (const [path, content] of this.#written) {
      if (content === null) {
        entries.push(`0 ${zero}\t${path}`);
        continue;
      }
      const sha = await gitText(["hash-object", "-w", "--stdin"], { gitDir, input: content });
      entries.push(`${this.#base.get(path)?.mode ?? "100644"} ${sha}\t${path}`);
    }
    const directory = await mkdtemp(join(tmpdir(), "jarvis-index-"));
    try {
      const env = { ...gitEnvironment(), GIT_INDEX_FILE: join(directory, "index") };
      await runGit(["read-tree", this.baseTree], { gitDir, env });
      const input = entries.map((entry) => `${entry}\0`).join("");
      await runGit(["update-index", "-z", "--index-info"], { gitDir, env, input });
      return await gitText(["write-tree"], { gitDir, env });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Takes over what a tree has different from an older one; links and odd files are left out. */
  async takeOver(tree: string, than: string): Promise<void> {
    for (const { path, newMode, newSha } of await diffTrees(this.#mirror, than, tree)) {
      if (newSha === null) this.delete(path);
      else if (newMode?.startsWith("100") === true) {
        this.write(path, (await readBlob(this.#mirror, newSha)).toString("utf8"));
      }
    }
  }

  /** The paths that were written or taken away, in the order of their names. */
  changed(): string[] {
    return [...this.#written.keys()].sort();
  }

  /** What was changed, as a git patch; empty where nothing was. */
  async patch(): Promise<string> {
    const tree = await this.tree();
    if (tree === this.baseTree) return "";
    const { stdout } = await runGit(
      ["diff-tree", "-p", "-r", "--no-renames", "--full-index", this.baseTree, tree],
      this.#mirror,
    );
    return stdout.toString("utf8");
  }

  #requireWritable(path: string): void {
    const file = { oldMode: null, newMode: "100644", oldSha: null, newSha: null };
    const [problem] =
      path === "" || path.endsWith("/") || path.includes("//") || path.length > 1_000
        ? [{ detail: `${JSON.stringify(path.slice(0, 100))} names no file.` }]
        : refuseChanges([{ ...file, path }]);
    if (problem !== undefined) throw refused(problem.detail);
    const entry = this.#base.get(path);
    if (entry !== undefined && !entry.mode.startsWith("100")) {
      throw refused(`${path} is a link; links are not changed.`);
    }
    const isTaken = (other: string): boolean =>
      this.#written.get(other) !== null && (this.#written.has(other) || this.#base.has(other));
    for (let parent = posix.dirname(path); parent !== "."; parent = posix.dirname(parent)) {
      if (isTaken(parent)) throw refused(`${parent} is no directory.`);
    }
    if (this.paths().some((other) => other.startsWith(`${path}/`))) {
      throw refused(`${path} is a directory.`);
    }
    if (!this.#written.has(path) && this.#written.size >= CHANGED_FILES) {
      throw refused(`One change may touch ${CHANGED_FILES} files.`);
    }
  }
}

function refused(sentence: string): SelfExtensionError {
  return new SelfExtensionError("scratch-refused", sentence);
}
