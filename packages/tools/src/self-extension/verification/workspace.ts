import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { SelfExtensionError } from "../errors.ts";
import { listTree, readBlobs, type Mirror, type TreeEntry } from "../git/mirror.ts";
import { inTurns } from "./in-turns.ts";
import type { KeptFiles } from "./kept-files.ts";

/**
 * Lays out a tree's files byte by byte as its blobs have them: no attributes, no filters, no
 * line-ending conversion (`git archive` and `git checkout-index` were seen dropping and rewriting
 * bytes). The tree id is computed again from what lies on the disk and must be the tree's; a
 * difference throws `workspace-mismatch`. Where it may come from a kept file that somebody changed,
 * everything kept is thrown away first and the workspace is written anew from the blobs.
 */
export async function writeWorkspace(
  mirror: Mirror,
  tree: string,
  directory: string,
  known: {
    /** The whole listing of the tree. */
    entries?: readonly TreeEntry[];
    /** What of the tree need not be written again. */
    kept?: KeptFiles;
  } = {},
): Promise<void> {
  const entries = known.entries ?? (await listTree(mirror, tree));
  const isNew = mkdirSync(directory, { recursive: true, mode: 0o755 }) !== undefined;
  try {
    await writeFiles(mirror, entries, directory, known.kept);
    await checkTree(tree, entries, directory);
  } catch (error) {
    const isMismatch = error instanceof SelfExtensionError && error.code === "workspace-mismatch";
    if (!isMismatch || !isNew || known.kept === undefined) throw error;
    known.kept.discard();
    rmSync(directory, { recursive: true, force: true });
    await writeWorkspace(mirror, tree, directory, { entries });
  }
}

async function writeFiles(
  mirror: Mirror,
  entries: readonly TreeEntry[],
  directory: string,
  kept: KeptFiles | undefined,
): Promise<void> {
  const files = entries.filter((entry) => entry.type === "blob");
  for (const parent of new Set(files.map(({ path }) => dirname(path)))) {
    mkdirSync(join(directory, parent), { recursive: true, mode: 0o755 });
  }
  const missing: TreeEntry[] = [];
  await inTurns(files, (file) => {
    if (kept?.lay(file, join(directory, file.path)) !== true) missing.push(file);
  });
  const blobs = await readBlobs(
    mirror,
    missing.map((entry) => entry.sha),
  );
  await inTurns(missing, (file) => {
    const { path, mode, sha } = file;
    const content = blobs.get(sha);
    if (content === undefined) {
      throw new SelfExtensionError(
        "workspace-mismatch",
        `blob ${sha} of ${path} could not be read`,
      );
    }
    const target = join(directory, path);
    if (mode === "120000") {
      symlinkSync(content, target);
      return;
    }
    if (kept?.keep(file, content, target) === true) return;
    // wx: two entries that are one file on this disk must not overwrite each other.
    writeFileSync(target, content, { flag: "wx" });
    chmodSync(target, mode === "100755" ? 0o755 : 0o644);
  });
  if (kept !== undefined && missing.some((file) => kept.isOfBase(file))) kept.prune();
}

async function checkTree(
  tree: string,
  entries: readonly TreeEntry[],
  directory: string,
): Promise<void> {
  const submodules = new Map(
    entries.filter((entry) => entry.type === "commit").map((entry) => [entry.path, entry.sha]),
  );
  const written = await treeIdOf(directory, tree.length === 64 ? "sha256" : "sha1", submodules);
  if (written !== tree) {
    throw new SelfExtensionError(
      "workspace-mismatch",
      `the workspace on disk is tree ${written}, expected ${tree}`,
    );
  }
}

/** The git tree id of a directory, from its bytes and modes alone. Empty directories do not count. */
export async function treeIdOf(
  directory: string,
  algorithm: "sha1" | "sha256" = "sha1",
  submodules: ReadonlyMap<string, string> = new Map(),
): Promise<string> {
  const id = await treeObject(directory, "", algorithm, submodules);
  return id ?? objectId("tree", Buffer.alloc(0), algorithm);
}

async function treeObject(
  directory: string,
  prefix: string,
  algorithm: "sha1" | "sha256",
  submodules: ReadonlyMap<string, string>,
): Promise<string | null> {
  const items: { name: Buffer; mode: string; id: string; sortKey: Buffer }[] = [];
  const directories: { name: string; path: string; inTree: string }[] = [];
  await inTurns(readdirSync(directory), (name) => {
    const path = join(directory, name);
    const inTree = prefix === "" ? name : `${prefix}/${name}`;
    const stat = lstatSync(path);
    if (stat.isDirectory()) {
      directories.push({ name, path, inTree });
      return;
    }
    const isLink = stat.isSymbolicLink();
    if (!isLink && !stat.isFile()) {
      const what = `${inTree} is neither a file nor a link`;
      throw new SelfExtensionError("workspace-mismatch", what);
    }
    const mode = isLink ? "120000" : (stat.mode & 0o100) === 0 ? "100644" : "100755";
    const content = isLink ? readlinkSync(path, { encoding: "buffer" }) : readFileSync(path);
    const id = objectId("blob", content, algorithm);
    items.push({ name: Buffer.from(name), mode, id, sortKey: sortKey(name, false) });
  });
  for (const { name, path, inTree } of directories) {
    const id = await treeObject(path, inTree, algorithm, submodules);
    if (id === null) continue;
    items.push({ name: Buffer.from(name), mode: "40000", id, sortKey: sortKey(name, true) });
  }
  for (const [path, sha] of submodules) {
    const cut = path.lastIndexOf("/");
    if (path.slice(0, Math.max(cut, 0)) !== prefix) continue;
    const name = path.slice(cut + 1);
    // git orders a submodule like a directory.
    items.push({ name: Buffer.from(name), mode: "160000", id: sha, sortKey: sortKey(name, true) });
  }
  if (items.length === 0) return null;
  items.sort((a, b) => Buffer.compare(a.sortKey, b.sortKey));
  const body = items.map((item) =>
    Buffer.concat([
      Buffer.from(`${item.mode} `),
      item.name,
      Buffer.from([0]),
      Buffer.from(item.id, "hex"),
    ]),
  );
  return objectId("tree", Buffer.concat(body), algorithm);
}

function sortKey(name: string, isDirectory: boolean): Buffer {
  return Buffer.from(isDirectory ? `${name}/` : name);
}

function objectId(type: "blob" | "tree", content: Buffer, algorithm: "sha1" | "sha256"): string {
  return createHash(algorithm).update(`${type} ${content.length}\0`).update(content).digest("hex");
}
