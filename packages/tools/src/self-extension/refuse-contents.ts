import { readBlobs, type TreeChange } from "./git/mirror.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { refuseContent, type Refusal } from "./proposal.ts";

/** Why the content of the files that a change writes is refused; empty where it is not. */
export async function refuseContents(
  world: Pick<PipelineWorld, "mirror">,
  changes: readonly TreeChange[],
  allowBinary: boolean,
): Promise<Refusal[]> {
  const written = changes.filter(
    ({ newSha, newMode }) => newSha !== null && newMode?.startsWith("100"),
  );
  const blobs = await readBlobs(
    world.mirror,
    written.map(({ newSha }) => newSha ?? ""),
  );
  return written.flatMap(({ path, newSha }) =>
    refuseContent(path, blobs.get(newSha ?? "") ?? Buffer.alloc(0), { allowBinary }),
  );
}
