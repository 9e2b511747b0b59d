import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  attest,
  fetchBranch,
  lastSeenBase,
  loadConfig,
  rememberBase,
  treeOf,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";

export async function fetchBase(world: PipelineWorld): Promise<string> {
  return await fetchBranch(
    world.mirror,
    { url: world.github.gitUrl, authorization: world.github.gitAuthorization },
    world.github.baseBranch,
  );
}

/**
 * The base that Jarvis starts with is attested by set-up: there is nothing earlier to judge it by.
 * Throws `invalid-config` where it does not say how it is verified; nothing is attested then.
 */
export async function attestFirstBase(world: PipelineWorld): Promise<void> {
  if ((await lastSeenBase(world.db)) !== null) return;
  const sha = await fetchBase(world);
  const treeSha = await treeOf(world.mirror, sha);
  await loadConfig(world.mirror, treeSha);
  await attest(world.db, {
    sha,
    treeSha,
    by: "set-up",
    actor: "set-up",
    reason: "the first base that this installation saw",
  });
  await rememberBase(world.db, sha);
}

/**
 * A forge is seeded once. Where the start that seeded it ends without attesting the base, the seed is
 * taken back, so that the next start sees what the person has mended meanwhile.
 */
export function seedUndo(stateDirectory: string): () => void {
  const forge = join(stateDirectory, "forge");
  const isNew = !existsSync(forge);
  return () => {
    if (isNew) rmSync(forge, { recursive: true, force: true });
  };
}
