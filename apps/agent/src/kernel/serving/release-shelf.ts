import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  admitRelease,
  buildRelease,
  isAttested,
  refuse,
  type PipelineWorld,
  type ReleaseCheck,
  type ReleaseRefusal,
} from "@jarvis/tools/self-extension";
import type { BodyRelease } from "../body/release-world.ts";

export type Fetched =
  | { readonly ok: true; readonly release: BodyRelease }
  | { readonly ok: false; readonly code: ReleaseRefusal; readonly detail: string };

/**
 * A release that may run: whole, of this digest, of an attested tree, with the dependencies that it was
 * tested with. One that is not there any more is built in the sandbox again, and has to have the same
 * digest; a dependency tree that is gone is made again by that. What was blessed was attested before, so
 * that going back to it does not ask the database.
 */
export async function fetchRelease(
  world: PipelineWorld,
  wanted: { readonly releaseDigest: string; readonly treeSha: string },
  { isBlessed }: { isBlessed: boolean },
): Promise<Fetched> {
  const { releases, dependencies } = world.directories;
  const place = (key: string): string => join(dependencies, key);
  const admit = async (): Promise<ReleaseCheck> => {
    const checked = await admitRelease(
      releases,
      wanted.releaseDigest,
      async (tree) => isBlessed || (await isAttested(world.db, tree)),
    );
    const key = checked.ok ? checked.manifest.dependencies?.key : undefined;
    if (key === undefined || (await isThere(place(key)))) return checked;
    return refuse("dependencies-missing", `its dependencies are not at ${place(key)} any more.`);
  };
  let admitted = await admit();
  if (!admitted.ok && mayBeBuiltAgain(admitted.code)) {
    const built = await buildRelease(world, wanted.treeSha);
    admitted = built.ok ? await admit() : built;
  }
  if (!admitted.ok) return admitted;
  const { directory, manifest } = admitted;
  return {
    ok: true,
    release: {
      directory,
      digest: wanted.releaseDigest,
      dependencies: manifest.dependencies && {
        directory: place(manifest.dependencies.key),
        nodeModules: manifest.dependencies.nodeModules,
      },
    },
  };
}

/** What a fresh build mends; a tree that nobody vouches for it does not. */
function mayBeBuiltAgain(code: ReleaseRefusal): boolean {
  return code !== "not-attested" && code !== "outputs-overlap" && code !== "outputs-hide-tree";
}

/** Anything but "there is nothing" is for whoever uses it to meet. */
async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: unknown) => (error as NodeJS.ErrnoException).code !== "ENOENT",
  );
}
