import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  attest,
  fetchBase,
  hasCommit,
  lastSeenBase,
  loadConfig,
  rememberBase,
  SelfExtensionError,
  treeOf,
  whenGitHubAnswers,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";

/**
 * The base that Jarvis starts with is attested by set-up: there is nothing earlier to judge it by.
 * Throws `invalid-config` where it does not say how it is verified; nothing is attested then. `forge`
 * is where the local forge lies, which a backup does not hold; null where the host is GitHub. Throws
 * `forge-missing` where a restored database speaks of another.
 */
export async function attestFirstBase(world: PipelineWorld, forge: string | null): Promise<void> {
  const known = await lastSeenBase(world.db);
  if (known !== null) {
    // Another kernel saw it, or the mirror was lost. While the host is away runs wait for it.
    const isHere = await hasCommit(world.mirror, known);
    if (isHere) return;
    await whenGitHubAnswers(async () => await fetchBase(world));
    // The local forge runs by now; whatever it answered, what the database speaks of is not in it.
    if (forge !== null && !(await hasCommit(world.mirror, known))) {
      throw new SelfExtensionError(
        "forge-missing",
        `The database was restored without its local forge: the newest base ${known} is not there; copy the directory \`forge\` of the old state to ${forge}, then start again.`,
      );
    }
    return;
  }
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
export function seedUndo(stateDirectory: string): () => { readonly undone: boolean } {
  const forge = join(stateDirectory, "forge");
  const isNew = !existsSync(forge);
  return () => {
    if (isNew) rmSync(forge, { recursive: true, force: true });
    return { undone: isNew };
  };
}
