import { createHash } from "node:crypto";
import {
  constants,
  openSync,
  closeSync,
  fstatSync,
  readFileSync,
  readlinkSync,
  lstatSync,
  readdirSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

/** One file of a release as it lies on the disk. A symbolic link is a file whose content is its target. */
export interface ReleaseFile {
  readonly path: string;
  readonly mode: "100644" | "100755" | "120000";
  readonly content: Buffer;
}

export interface ReleaseListing {
  readonly files: readonly ReleaseFile[];
  /** Directories that hold neither a file nor a directory. */
  readonly emptyDirectories: readonly string[];
  /** What is neither file, link nor directory, or has a second name somewhere. */
  readonly odd: readonly string[];
}

/** Everything below a directory, read whole: a release is tens of megabytes at most. */
export async function listRelease(directory: string): Promise<ReleaseListing> {
  const files: ReleaseFile[] = [];
  const emptyDirectories: string[] = [];
  const odd: string[] = [];
  // A link in its place could be turned while it is read.
  if (!lstatSync(directory).isDirectory()) throw new Error(`${directory} is no directory`);
  const open = [""];
  for (let inner = open.pop(); inner !== undefined; inner = open.pop()) {
    const names = readdirSync(join(directory, inner)).sort();
    if (names.length === 0 && inner !== "") emptyDirectories.push(inner);
    for (const name of names) {
      const path = inner === "" ? name : `${inner}/${name}`;
      const stat = lstatSync(join(directory, path));
      if (stat.isDirectory()) open.push(path);
      else if (stat.isSymbolicLink()) {
        const content = readlinkSync(join(directory, path), { encoding: "buffer" });
        files.push({ path, mode: "120000", content });
      } else if (stat.isFile() && stat.nlink === 1) {
        files.push(readPlainFile(join(directory, path), path));
      } else odd.push(path);
      if (files.length % 64 === 63) await nextTurn();
    }
  }
  return { files, emptyDirectories, odd };
}

function readPlainFile(place: string, path: string): ReleaseFile {
  const descriptor = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const mode = (fstatSync(descriptor).mode & 0o100) === 0 ? "100644" : "100755";
    return { path, mode, content: readFileSync(descriptor) };
  } finally {
    closeSync(descriptor);
  }
}

export function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The id that git gives a tree of these files and submodules. */
export function treeIdOfFiles(
  files: readonly ReleaseFile[],
  submodules: readonly { path: string; sha: string }[],
  algorithm: "sha1" | "sha256",
): string {
  const leaves = [
    ...files.map(({ path, mode, content }) => ({
      path,
      mode: mode as string,
      id: objectId("blob", content, algorithm),
    })),
    ...submodules.map(({ path, sha }) => ({ path, mode: "160000", id: sha })),
  ];
  return treeId(leaves, algorithm);
}

function treeId(
  leaves: readonly { path: string; mode: string; id: string }[],
  algorithm: "sha1" | "sha256",
): string {
  const inner = new Map<string, { path: string; mode: string; id: string }[]>();
  const items: { name: string; mode: string; id: string }[] = [];
  for (const leaf of leaves) {
    const cut = leaf.path.indexOf("/");
    if (cut < 0) items.push({ name: leaf.path, mode: leaf.mode, id: leaf.id });
    else {
      const name = leaf.path.slice(0, cut);
      const rest = { ...leaf, path: leaf.path.slice(cut + 1) };
      const present = inner.get(name);
      if (present === undefined) inner.set(name, [rest]);
      else present.push(rest);
    }
  }
  for (const [name, rest] of inner) {
    items.push({ name, mode: "40000", id: treeId(rest, algorithm) });
  }
  // git orders a directory, and a submodule, as if its name ended with a slash.
  const sorted = items
    .map((item) => ({ item, key: Buffer.from(isLeaf(item.mode) ? item.name : `${item.name}/`) }))
    .sort((a, b) => Buffer.compare(a.key, b.key));
  const body = sorted.map(({ item }) =>
    Buffer.concat([Buffer.from(`${item.mode} ${item.name}\0`), Buffer.from(item.id, "hex")]),
  );
  return objectId("tree", Buffer.concat(body), algorithm);
}

function isLeaf(mode: string): boolean {
  return mode !== "40000" && mode !== "160000";
}

function objectId(type: "blob" | "tree", content: Buffer, algorithm: "sha1" | "sha256"): string {
  return createHash(algorithm).update(`${type} ${content.length}\0`).update(content).digest("hex");
}
