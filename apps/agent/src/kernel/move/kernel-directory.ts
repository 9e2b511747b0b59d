import { randomUUID } from "node:crypto";
import { lstatSync } from "node:fs";
import { chmod, copyFile, mkdir, readdir, readlink, rename, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { removeOutput } from "@jarvis/sandbox";
import { syncDirectory } from "@jarvis/db";
import { filesDigest } from "../../files-digest.ts";
import type { BodyRelease } from "../body/release-world.ts";

const NODE_MODULES = "node_modules";

/**
 * Lays a release out as a program that this machine's Node can start: a copy of its files and, where
 * dependencies belong, links into their tree. Read-only, in the state directory, which no candidate
 * can reach. Nothing is built or run. Answers where it lies and what its files add up to; repeating
 * it is harmless, and what lies there damaged is made anew.
 */
export async function prepareKernel(
  kernels: string,
  release: BodyRelease,
): Promise<{ directory: string; filesDigest: string }> {
  const directory = join(kernels, release.digest.replace(":", "-"));
  const expected = filesDigest(release.directory);
  if (digestOf(directory) !== expected) {
    await mkdir(kernels, { recursive: true, mode: 0o700 });
    const scratch = join(kernels, `.new-${randomUUID()}`);
    try {
      await copyTree(release.directory, scratch);
      await linkDependencies(scratch, release.dependencies);
      const found = filesDigest(scratch);
      if (found !== expected) throw new Error(`A copy of ${release.directory} differs from it.`);
      await makeReadOnly(scratch);
      await removeOutput(directory);
      await rename(scratch, directory);
      syncDirectory(kernels);
    } finally {
      await removeOutput(scratch);
    }
  }
  return { directory, filesDigest: expected };
}

/** Removes what is prepared and not named any more, and what a crash left half prepared. */
export async function pruneKernels(kernels: string, kept: readonly string[]): Promise<void> {
  const names = await readdir(kernels).catch(() => []);
  for (const directory of names.map((name) => join(kernels, name))) {
    if (!kept.includes(directory)) await removeOutput(directory);
  }
}

/** Whether a plain file lies there. */
export function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function digestOf(directory: string): string | null {
  try {
    return filesDigest(directory);
  } catch {
    return null;
  }
}

/** Copies instead of links: a file of a release that has a second name is refused at its next check. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o755 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.name === NODE_MODULES) continue;
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await copyFile(source, target);
  }
}

async function linkDependencies(
  root: string,
  dependencies: BodyRelease["dependencies"],
): Promise<void> {
  for (const path of dependencies?.nodeModules ?? []) {
    const parent = join(root, dirname(path));
    // A package of the lockfile that this tree has no folder for.
    const isThere = await readdir(parent).then(
      () => true,
      () => false,
    );
    if (!isThere || dependencies === null) continue;
    await linkModules(join(dependencies.directory, path), join(root, path));
  }
}

/**
 * One `node_modules`: packages are linked where they lie, and links are repeated as they are, because
 * those between the packages of a workspace have to lead into this release.
 */
async function linkModules(source: string, target: string): Promise<void> {
  await mkdir(target, { mode: 0o755 });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else if (entry.isDirectory() && entry.name.startsWith("@")) await linkModules(from, to);
    else if (entry.isDirectory()) await symlink(from, to);
  }
}

async function makeReadOnly(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      await makeReadOnly(join(directory, entry.name));
      await chmod(join(directory, entry.name), 0o555);
    }
  }
}
