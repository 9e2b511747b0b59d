import {
  lastSeenBase,
  ScratchTree,
  SelfExtensionError,
  treeOf,
} from "@jarvis/tools/self-extension";
import type { PipelineWorld } from "@jarvis/tools/self-extension";
import { z } from "zod";

/** What the body's tools ask to be proposed: whole files, by their paths; null takes one away. */
export const filesProposal = z.strictObject({
  title: z.string().trim().min(1).max(300),
  files: z
    .array(
      z.strictObject({
        path: z.string().min(1).max(1_000),
        content: z.string().nullable(),
        /** Passed over where there is none. */
        ifThere: z.boolean().default(false),
      }),
    )
    .min(1)
    .max(20),
  /** Whether the files have to be new, or there already. */
  only: z.enum(["new", "there"]),
});

/**
 * The patch of a proposal against the base that was seen last. Throws `scratch-refused` with a
 * sentence where it is none.
 */
export async function patchOfFiles(
  { db, mirror }: Pick<PipelineWorld, "db" | "mirror">,
  { files, only }: z.infer<typeof filesProposal>,
): Promise<string> {
  const base = await lastSeenBase(db);
  if (base === null) throw refused("No base was seen yet.");
  const scratch = await ScratchTree.open(mirror, await treeOf(mirror, base));
  const there = new Set(scratch.paths());
  for (const { path, content, ifThere } of files) {
    if (ifThere && !there.has(path)) continue;
    if (there.has(path) && only === "new") throw refused(`${path} is there already.`);
    if (!there.has(path) && only === "there") throw refused(`${path} is not there.`);
    if (content === null) scratch.delete(path);
    else scratch.write(path, content);
  }
  const patch = await scratch.patch();
  if (patch === "") throw refused("Nothing would change.");
  return patch;
}

function refused(sentence: string): SelfExtensionError {
  return new SelfExtensionError("scratch-refused", sentence);
}
