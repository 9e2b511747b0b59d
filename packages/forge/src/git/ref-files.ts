import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { isRefName, isSha, type Sha } from "./names.ts";

/** Null is left to git: a symbolic ref, or no name of an object at all. */
type Found = Sha | undefined | null;

interface Packed {
  /** Git replaces the file as a whole, so these say whether it is still the same. */
  readonly version: string;
  readonly refs: ReadonlyMap<string, Sha>;
}

const NOTHING_PACKED: Packed = { version: "", refs: new Map() };

/**
 * Refs as git's "files" format holds them (gitrepository-layout(5)): each in a file of its own, and
 * all others in `packed-refs`. Most of what a forge is asked is where refs stand, and a git for each
 * question is most of what it would cost.
 *
 * A file of its own is always read first: git writes `packed-refs` before it removes what it packed.
 * Read without yielding: these files are a line long, and going to another thread and back for each
 * takes ten times as long as reading it.
 */
export class RefFiles {
  readonly #gitDirectory: string;
  #packed = NOTHING_PACKED;

  constructor(gitDirectory: string) {
    this.#gitDirectory = gitDirectory;
  }

  get(ref: string): Found {
    if (!isReadable(ref)) return undefined;
    const loose = this.#readLoose(ref);
    return loose === undefined ? this.#readPacked().get(ref) : loose;
  }

  /** Those that have one of the names or lie below one; null where git has to be asked. */
  list(names: readonly string[]): Map<string, Sha> | null {
    const wanted = names.filter(isReadable);
    const loose = new Map<string, Sha>();
    for (const name of wanted) {
      for (const ref of [name, ...this.#namesBelow(name)]) {
        const found = this.#readLoose(ref);
        if (found === null) return null;
        if (found !== undefined) loose.set(ref, found);
      }
    }
    const isWanted = (ref: string): boolean =>
      wanted.some((name) => ref === name || ref.startsWith(`${name}/`));
    const packed = [...this.#readPacked()].filter(([ref]) => isWanted(ref));
    const all = [...new Map([...packed, ...loose])];
    return new Map(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #readLoose(ref: string): Found {
    const text = orNothing(null, () => readFileSync(join(this.#gitDirectory, ref), "utf8"));
    if (text === null) return undefined;
    const sha = text.replace(/\n$/u, "");
    return isSha(sha) ? sha : null;
  }

  /** A directory at a time: git removes those that become empty while others are read. */
  #namesBelow(name: string): string[] {
    const directory = join(this.#gitDirectory, name);
    return orNothing([], () => readdirSync(directory, { withFileTypes: true })).flatMap((entry) => {
      const below = `${name}/${entry.name}`;
      if (entry.isDirectory()) return this.#namesBelow(below);
      return entry.isFile() && isRefName(below) ? [below] : [];
    });
  }

  #readPacked(): ReadonlyMap<string, Sha> {
    const path = join(this.#gitDirectory, "packed-refs");
    const version = orNothing("", () => {
      const { ino, size, mtimeNs } = statSync(path, { bigint: true });
      return `${ino} ${size} ${mtimeNs}`;
    });
    if (version !== this.#packed.version) {
      const text = orNothing("", () => readFileSync(path, "utf8"));
      this.#packed = { version, refs: parsePacked(text) };
    }
    return this.#packed.refs;
  }
}

function isReadable(ref: string): boolean {
  return (ref === "refs" || ref.startsWith("refs/")) && isRefName(ref);
}

/** `<sha> <ref>` a line; a comment begins with `#`, and `^<sha>` is what the tag above points at. */
function parsePacked(text: string): Map<string, Sha> {
  const refs = new Map<string, Sha>();
  for (const line of text.split("\n")) {
    const sha = line.slice(0, 40);
    if (line.charAt(40) === " " && isSha(sha)) refs.set(line.slice(41), sha);
  }
  return refs;
}

/** Files come and go while others are read; what is not there holds nothing. */
function orNothing<T>(nothing: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isAbsence(error)) return nothing;
    throw error;
  }
}

/** A directory in the way is where only refs below the name are, or where the name is below a ref. */
function isAbsence(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error)) return false;
  return error.code === "ENOENT" || error.code === "EISDIR" || error.code === "ENOTDIR";
}
