import {
  buildRelease,
  emptyRecord,
  lastSeenBase,
  readBaseline,
  runOfCommit,
  treeOf,
  writeBaseline,
  type BlessedRelease,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";

/**
 * The release that Jarvis starts with: the base last seen, built in the sandbox. It passed no window,
 * there is nothing older to hold it against; but without it there would be nothing to go back to.
 */
export async function firstBaseline(world: PipelineWorld): Promise<BlessedRelease> {
  const sha = await lastSeenBase(world.db);
  if (sha === null) throw new Error("There is no base yet to make a first release of.");
  const treeSha = await treeOf(world.mirror, sha);
  const built = await buildRelease(world, treeSha);
  if (!built.ok) throw new Error(`The first release cannot be built: ${built.detail}`);
  const runId = await runOfCommit(world.db, sha);
  return {
    releaseDigest: built.manifest.releaseDigest,
    sha,
    treeSha,
    runId,
    window: null,
    record: emptyRecord,
    blessedAt: new Date().toISOString(),
  };
}

/**
 * A blessed release under another Node: a release is named by the Node that built it, so the same
 * tree is built again and takes the place of the old one in the pointer.
 */
export async function forThisNode(
  world: PipelineWorld,
  blessed: BlessedRelease,
): Promise<BlessedRelease> {
  const again = await rebuilt(world, blessed);
  const { releases } = world.directories;
  const pointer = readBaseline(releases);
  if (pointer.known) {
    const swap = (each: BlessedRelease): BlessedRelease =>
      each.releaseDigest === blessed.releaseDigest ? again : each;
    const { current, earlier } = pointer.value;
    writeBaseline(releases, { version: 1, current: swap(current), earlier: earlier.map(swap) });
  }
  return again;
}

/** The same release built with the Node that runs now, under the digest that it has then. */
export async function rebuilt<T extends { readonly treeSha: string }>(
  world: PipelineWorld,
  release: T,
): Promise<T & { readonly releaseDigest: string }> {
  const built = await buildRelease(world, release.treeSha);
  if (!built.ok) throw new Error(`A release cannot be built for this Node: ${built.detail}`);
  return { ...release, releaseDigest: built.manifest.releaseDigest };
}
