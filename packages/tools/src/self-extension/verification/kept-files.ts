import { randomUUID } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { TreeEntry } from "../git/mirror.ts";

/**
 * Files of the base, kept between verifications under the name of their blob and mode. A workspace
 * gets a kept file by a hard link, which costs a tenth of a new file.
 *
 * Nothing here is trusted: whoever links has to compute the tree id from the bytes again, and calls
 * `discard` where it is another. Only files of an attested base are kept, and no candidate has a way
 * to write to one: workspaces are mounted read-only, and a writable mount may hold no hard links.
 */
export interface KeptFiles {
  /** Whether this file is one of the base's, byte for byte, wherever the base has it. */
  isOfBase(file: TreeEntry): boolean;
  /** Lays a kept file at `target`, which must be free; false where it is not kept or cannot be linked. */
  lay(file: TreeEntry, target: string): boolean;
  /** Keeps a file of the base and lays it at `target`; false where that cannot be done. */
  keep(file: TreeEntry, content: Buffer, target: string): boolean;
  /** Forgets what no base of late has had. To be called after files were added. */
  prune(): void;
  /** Forgets everything: a file was found changed. */
  discard(): void;
}

/** `base` is the whole listing of an attested tree; `directory` is made when the first file is kept. */
export function keptFiles(directory: string, base: readonly TreeEntry[]): KeptFiles {
  const ofBase = new Set(base.filter(isPlainFile).map(nameOf));
  const isOfBase = (file: TreeEntry): boolean => isPlainFile(file) && ofBase.has(nameOf(file));
  const lay = (file: TreeEntry, target: string): boolean => {
    if (!isOfBase(file)) return false;
    try {
      linkSync(join(directory, nameOf(file)), target);
      return true;
    } catch {
      return false;
    }
  };
  return {
    isOfBase,
    lay,
    keep(file, content, target) {
      if (!isOfBase(file)) return false;
      // A tree may have one content at many paths.
      if (lay(file, target)) return true;
      const scratch = join(directory, `.new-${randomUUID()}`);
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        writeFileSync(scratch, content, { flag: "wx" });
        chmodSync(scratch, file.mode === "100755" ? 0o755 : 0o644);
        renameSync(scratch, join(directory, nameOf(file)));
      } catch {
        if (existsSync(scratch)) rmSync(scratch);
        return false;
      }
      return lay(file, target);
    },
    prune() {
      const names = statSync(directory, { throwIfNoEntry: false })?.isDirectory()
        ? readdirSync(directory)
        : [];
      // Twice a base: going back to the one before costs nothing.
      if (names.length <= 2 * ofBase.size) return;
      for (const name of names) {
        if (!ofBase.has(name)) rmSync(join(directory, name), { force: true });
      }
    },
    discard() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function isPlainFile({ mode }: TreeEntry): boolean {
  return mode === "100644" || mode === "100755";
}

function nameOf({ sha, mode }: TreeEntry): string {
  return `${sha}-${mode}`;
}
