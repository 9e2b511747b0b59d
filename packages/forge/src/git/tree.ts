import type { ObjectStore } from "./objects.ts";
import type { Sha } from "./names.ts";

type TreeMode = "100644" | "100755" | "040000" | "120000" | "160000";

export interface TreeEntry {
  mode: string;
  name: string;
  sha: Sha;
}

/** What to put at a path, or undefined to remove what is there. */
export interface TreeEdit {
  path: string;
  entry: { mode: TreeMode; sha: Sha } | undefined;
}

export function parseTree(data: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let offset = 0;
  while (offset < data.length) {
    const space = data.indexOf(0x20, offset);
    const end = data.indexOf(0, space);
    entries.push({
      mode: data.toString("latin1", offset, space).padStart(6, "0"),
      name: data.toString("utf8", space + 1, end),
      sha: data.toString("hex", end + 1, end + 21),
    });
    offset = end + 21;
  }
  return entries;
}

/** Git sorts by bytes, with a slash after the name of a directory. */
function formatTree(entries: readonly TreeEntry[]): Buffer {
  const keyed = entries.map((entry) => ({
    entry,
    key: Buffer.from(entry.mode === "040000" ? `${entry.name}/` : entry.name),
  }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  return Buffer.concat(
    keyed.flatMap(({ entry }) => [
      Buffer.from(`${entry.mode.replace(/^0/u, "")} ${entry.name}\0`),
      Buffer.from(entry.sha, "hex"),
    ]),
  );
}

/**
 * Applies edits to a tree and writes what changed; undefined when nothing is left. A file put where
 * a directory was replaces it, and the other way round; a directory that becomes empty goes away.
 */
export async function editTree(
  objects: ObjectStore,
  base: Sha | undefined,
  edits: readonly TreeEdit[],
): Promise<Sha | undefined> {
  const entries = new Map<string, TreeEntry>();
  const tree = base === undefined ? undefined : await objects.read(base);
  for (const entry of tree === undefined ? [] : parseTree(tree.data))
    entries.set(entry.name, entry);

  const below = new Map<string, TreeEdit[]>();
  for (const edit of edits) {
    const slash = edit.path.indexOf("/");
    if (slash === -1) {
      if (edit.entry === undefined) entries.delete(edit.path);
      else entries.set(edit.path, { ...edit.entry, name: edit.path });
    } else {
      const name = edit.path.slice(0, slash);
      const group = below.get(name) ?? [];
      group.push({ ...edit, path: edit.path.slice(slash + 1) });
      below.set(name, group);
    }
  }
  for (const [name, group] of below) {
    const present = entries.get(name);
    const sha = await editTree(
      objects,
      present?.mode === "040000" ? present.sha : undefined,
      group,
    );
    if (sha !== undefined) entries.set(name, { mode: "040000", name, sha });
    // Removing "a/b" where "a" is a file leaves the file.
    else if (present?.mode === "040000") entries.delete(name);
  }
  if (entries.size === 0) return undefined;
  return objects.write("tree", formatTree([...entries.values()]));
}

/** Every entry below a tree with its whole path, directories included, in git's order. */
export async function walkTree(
  objects: ObjectStore,
  tree: Sha,
  prefix = "",
): Promise<(TreeEntry & { path: string })[]> {
  const object = await objects.read(tree);
  const found: (TreeEntry & { path: string })[] = [];
  for (const entry of object === undefined ? [] : parseTree(object.data)) {
    const path = `${prefix}${entry.name}`;
    found.push({ ...entry, path });
    if (entry.mode === "040000") found.push(...(await walkTree(objects, entry.sha, `${path}/`)));
  }
  return found;
}

/** The entry at a path, following directories only. */
export async function findInTree(
  objects: ObjectStore,
  tree: Sha,
  path: string,
): Promise<TreeEntry | undefined> {
  let found: TreeEntry | undefined = { mode: "040000", name: "", sha: tree };
  for (const name of path.split("/").filter((part) => part !== "")) {
    if (found.mode !== "040000") return undefined;
    const object = await objects.read(found.sha);
    found = (object === undefined ? [] : parseTree(object.data)).find((e) => e.name === name);
    if (found === undefined) return undefined;
  }
  return found;
}
