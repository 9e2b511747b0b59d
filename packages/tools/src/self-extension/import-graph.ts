import { posix } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import { SelfExtensionError } from "./errors.ts";
import { KeptAnswers } from "./git/kept-answers.ts";
import { listTree, readBlobs, type Mirror, type TreeEntry } from "./git/mirror.ts";
import { readSpecifiers } from "./import-specifiers.ts";

const SOURCE = /\.(?:ts|mts|cts|tsx|js|mjs|cjs|jsx)$/;

/** The source files of one tree and what they import, computed from git objects; nothing is executed. */
export interface ImportGraph {
  /** Every path of the tree. */
  readonly paths: ReadonlySet<string>;
  /** Source files that no parser could read to the end: what they import is not known. */
  readonly unread: ReadonlySet<string>;
  /** Paths inside the tree that a source file imports. */
  imports(path: string): readonly string[];
}

const manifest = z.looseObject({
  name: z.string().optional(),
  main: z.string().optional(),
  exports: z.unknown().optional(),
  imports: z.unknown().optional(),
});

/**
 * Reads the imports of every source file of a tree with a real parser. Relative specifiers and the
 * tree's own packages (through the `exports` of their manifests) are followed; other packages are
 * not, because the lockfile pins them.
 */
export async function readImportGraph(mirror: Mirror, tree: string): Promise<ImportGraph> {
  // A change's base was the change before, and is asked for often.
  return await graphs.of(mirror, [tree], () => readNow(mirror, tree));
}

const graphs = new KeptAnswers<ImportGraph>(4);

const LONGEST_TURN_MS = 20;

async function readNow(mirror: Mirror, tree: string): Promise<ImportGraph> {
  const entries = (await listTree(mirror, tree)).filter((entry) => entry.type === "blob");
  const sources = entries.filter((entry) => SOURCE.test(entry.path));
  const manifests = entries.filter(({ path }) => posix.basename(path) === "package.json");
  const known = new Map(sources.map((entry) => [entry, specifiers.get(specifierKey(entry))]));
  const unknown = sources.filter((entry) => known.get(entry) === undefined);
  const blobs = await readBlobs(mirror, [
    ...new Set([...unknown, ...manifests].map((entry) => entry.sha)),
  ]);
  const textOf = ({ sha, path }: TreeEntry): string => {
    const blob = blobs.get(sha);
    // A file that imports nothing protects nothing: one that could not be read is no such file.
    if (blob === undefined) {
      throw new SelfExtensionError("git-failed", `blob ${sha} of ${path} could not be read`);
    }
    return blob.toString("utf8");
  };
  const paths = new Set(entries.map((entry) => entry.path));
  const packages = readPackages(new Map(manifests.map((entry) => [entry.path, textOf(entry)])));
  const read = await readSpecifiers(
    unknown.map((entry) => ({ path: entry.path, source: textOf(entry) })),
  );
  const unread = new Set<string>();
  for (const [index, entry] of unknown.entries()) {
    const found = read[index] ?? null;
    if (found === null) unread.add(entry.path);
    else known.set(entry, remember(entry, found));
  }
  const imports = new Map<string, readonly string[]>();
  let turnBegan = performance.now();
  for (const entry of sources) {
    const { path } = entry;
    const reached = new Set<string>();
    for (const specifier of known.get(entry) ?? []) {
      // A file of a megabyte takes half a second, and a change may bring dozens.
      if (performance.now() - turnBegan > LONGEST_TURN_MS) {
        await nextTurn();
        turnBegan = performance.now();
      }
      for (const target of resolve(path, specifier, paths, packages)) reached.add(target);
    }
    imports.set(path, [...reached]);
  }
  return {
    paths,
    unread,
    imports: (path) => imports.get(path) ?? [],
  };
}

/** Everything reachable from `entries`, themselves included. */
export function closureOf(graph: ImportGraph, entries: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const open = entries.filter((entry) => graph.paths.has(entry));
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    open.push(...graph.imports(path));
  }
  return reached;
}

// Module text repeats from tree to tree, and the answer depends on nothing else but the extension.
const specifiers = new Map<string, readonly string[]>();
const KEPT_SPECIFIERS = 20_000;

function specifierKey({ path, sha }: TreeEntry): string {
  return `${posix.extname(path)}\0${sha}`;
}

function remember(entry: TreeEntry, found: readonly string[]): readonly string[] {
  if (specifiers.size > KEPT_SPECIFIERS) specifiers.clear();
  specifiers.set(specifierKey(entry), found);
  return found;
}

interface LocalPackage {
  readonly name: string | undefined;
  readonly directory: string;
  readonly main: string | undefined;
  readonly exports: unknown;
  readonly imports: unknown;
}

function readPackages(text: ReadonlyMap<string, string>): LocalPackage[] {
  const packages: LocalPackage[] = [];
  for (const [path, source] of text) {
    if (posix.basename(path) !== "package.json") continue;
    try {
      const { name, main, exports, imports } = manifest.parse(JSON.parse(source));
      packages.push({ name, main, exports, imports, directory: posix.dirname(path) });
    } catch {
      // A manifest that cannot be read names no package; changing one needs a person anyway.
    }
  }
  return packages;
}

function resolve(
  from: string,
  specifier: string,
  paths: ReadonlySet<string>,
  packages: readonly LocalPackage[],
): string[] {
  if (specifier.startsWith(".")) {
    return candidates(posix.join(posix.dirname(from), specifier)).filter((path) => paths.has(path));
  }
  return packages
    .flatMap((local) =>
      targetsIn(local, from, specifier).flatMap((target) =>
        candidates(posix.join(local.directory, target)),
      ),
    )
    .filter((path) => paths.has(path));
}

/** Every file of a package that a specifier could mean, under whatever condition. */
function targetsIn(local: LocalPackage, from: string, specifier: string): string[] {
  const { name, directory } = local;
  if (specifier.startsWith("#")) {
    const isInside = directory === "." || from.startsWith(`${directory}/`);
    return isInside && isTable(local.imports) ? matchesIn(local.imports, specifier) : [];
  }
  if (name === undefined) return [];
  if (specifier !== name && !specifier.startsWith(`${name}/`)) return [];
  const subpath = specifier === name ? "." : `.${specifier.slice(name.length)}`;
  const { exports } = local;
  if (typeof exports === "string") return subpath === "." ? [exports] : [];
  if (!isTable(exports)) {
    return subpath === "." ? [local.main ?? "index.js", "index.js", "src/index.ts"] : [subpath];
  }
  const isConditions = Object.keys(exports).every((key) => !key.startsWith("."));
  if (isConditions) return subpath === "." ? stringsIn(exports) : [];
  return matchesIn(exports, subpath);
}

/** The targets of a key, or of every pattern (`./*`) that covers it. */
function matchesIn(table: Readonly<Record<string, unknown>>, key: string): string[] {
  return Object.entries(table).flatMap(([pattern, value]) => {
    if (pattern === key) return stringsIn(value);
    const [before = "", after] = pattern.split("*");
    if (after === undefined || !key.startsWith(before) || !key.endsWith(after)) return [];
    const star = key.slice(before.length, key.length - after.length);
    return stringsIn(value).map((target) => target.replaceAll("*", star));
  });
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(stringsIn);
}

/** A specifier as written, with the extension of the source it was built from, or a directory's index. */
function candidates(path: string): string[] {
  const stem = path.replace(/\.(?:js|mjs|cjs|jsx)$/, "");
  const source = path.replace(/(^|\/)dist\//, "$1src/").replace(/\.(?:js|mjs|cjs|jsx)$/, "");
  const endings = [".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".json"];
  return [
    path,
    ...endings.map((ending) => stem + ending),
    ...endings.map((ending) => source + ending),
    ...endings.map((ending) => posix.join(path, `index${ending}`)),
  ];
}
