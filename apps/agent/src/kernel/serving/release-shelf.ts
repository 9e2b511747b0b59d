import { join } from "node:path";
import {
  admitRelease,
  buildRelease,
  isAttested,
  type PipelineWorld,
  type ReleaseRefusal,
} from "@jarvis/tools/self-extension";
import type { BodyRelease } from "../body/release-world.ts";

export type Fetched =
  | { readonly ok: true; readonly release: BodyRelease }
  | { readonly ok: false; readonly code: ReleaseRefusal; readonly detail: string };

/**
 * A release that may run: whole, of this digest, of an attested tree. One that is not there any more
 * is built in the sandbox again, and has to have the same digest. What was blessed was attested
 * before, so that going back to it does not ask the database.
 */
export async function fetchRelease(
  world: PipelineWorld,
  wanted: { readonly releaseDigest: string; readonly treeSha: string },
  { isBlessed }: { isBlessed: boolean },
): Promise<Fetched> {
  const { releases, dependencies } = world.directories;
  const admit = async () =>
    await admitRelease(
      releases,
      wanted.releaseDigest,
      async (tree) => isBlessed || (await isAttested(world.db, tree)),
    );
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
        directory: join(dependencies, manifest.dependencies.key),
        nodeModules: manifest.dependencies.nodeModules,
      },
    },
  };
}

/** What a fresh build mends; a tree that nobody vouches for it does not. */
function mayBeBuiltAgain(code: ReleaseRefusal): boolean {
  return code !== "not-attested" && code !== "outputs-overlap" && code !== "outputs-hide-tree";
}
