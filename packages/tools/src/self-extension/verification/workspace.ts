import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { SelfExtensionError } from "../errors.ts";
import { listTree, readBlobs, type Mirror } from "../git/mirror.ts";

/**
 * Writes a tree's files from its blobs, byte by byte: no attributes, no filters, no line-ending
 * conversion (`git archive` and `git checkout-index` were seen dropping and rewriting bytes). The
 * tree id is computed again from what lies on the disk and must be the tree's; a difference throws
 * `workspace-mismatch`.
 */
export async function writeWorkspace(
  mirror: Mirror,
  tree: string,
  directory: string,
): Promise<void> {
  const entries = await listTree(mirror, tree);
  const files = entries.filter((entry) => entry.type === "blob");
  const blobs = await readBlobs(
    mirror,
    files.map((entry) => entry.sha),
  );
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  for (const parent of new Set(files.map(({ path }) => dirname(path)))) {
    mkdirSync(join(directory, parent), { recursive: true, mode: 0o755 });
  }
  await inTurns(files, ({ path, mode, sha }) => {
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
    } else {
      // wx: two entries that are one file on this disk must not overwrite each other.
      writeFileSync(target, content, { flag: "wx" });
      chmodSync(target, mode === "100755" ? 0o755 : 0o644);
    }
  });
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

/**
 * Many small files, a few dozen in a turn: waiting for each would take ten times as long, and doing
 * all at once would keep everything else waiting.
 */
async function inTurns<T>(items: readonly T[], work: (item: T) => void): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index % 64 === 63) await setImmediate();
    work(item);
  }
}

function sortKey(name: string, isDirectory: boolean): Buffer {
  return Buffer.from(isDirectory ? `${name}/` : name);
}

function objectId(type: "blob" | "tree", content: Buffer, algorithm: "sha1" | "sha256"): string {
  return createHash(algorithm).update(`${type} ${content.length}\0`).update(content).digest("hex");
}
