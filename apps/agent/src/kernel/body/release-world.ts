import { lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SandboxMount } from "@jarvis/sandbox";
import { CACHE_DIRECTORIES } from "@jarvis/tools/self-extension";

/** What a body is started from. Nothing of it is ever executed outside of the sandbox. */
export interface BodyRelease {
  /**
   * The tree's files and what was built from them, readable by everyone and never written again. An
   * empty directory stands where each dependency directory is mounted.
   */
  readonly directory: string;
  readonly digest: string;
  /** `nodeModules` relative to the repository, each of which lies in `directory` under that name. */
  readonly dependencies: {
    readonly directory: string;
    readonly nodeModules: readonly string[];
  } | null;
}

const CACHE_BYTES = 64 * 2 ** 20;

/** The mounts of a verification's stage: a release finds itself where it was tested. */
export function mountsOf({ directory, dependencies }: BodyRelease): SandboxMount[] {
  const mounts: SandboxMount[] = [];
  for (const path of dependencies?.nodeModules ?? []) {
    // A package of the lockfile that this tree has no folder for. Where it has one, the sandbox
    // refuses to mount on anything but a real directory: never run without what was attested.
    if (dependencies === null || !isDirectory(join(directory, dirname(path)))) continue;
    const source = join(dependencies.directory, path);
    mounts.push({ kind: "ro", source, target: `/ws/${path}` });
    for (const cache of CACHE_DIRECTORIES) {
      // Made when a dependency tree is built; nothing can be mounted where nothing is.
      if (!isDirectory(join(source, cache))) continue;
      mounts.push({ kind: "tmpfs", target: `/ws/${path}/${cache}`, sizeBytes: CACHE_BYTES });
    }
  }
  return mounts;
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
