import { readImportGraph } from "./import-graph.ts";
import { irreversibleMigrations } from "./migration-gate.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { findProtected, type ProtectionFinding } from "./protected-paths.ts";
import type { Staged } from "./staged-change.ts";

/** What of a change only a person lets pass. */
export async function findingsOf(
  { db, mirror }: PipelineWorld,
  change: Pick<Staged, "runId" | "changes" | "config" | "baseTree" | "treeSha" | "restored">,
): Promise<ProtectionFinding[]> {
  const { changes, config, baseTree, treeSha, restored } = change;
  const touched = findProtected({
    changes,
    config,
    base: await readImportGraph(mirror, baseTree),
    candidate: await readImportGraph(mirror, treeSha),
  });
  return [
    // What only goes back to attested bytes was let pass before.
    ...touched.filter(({ path }) => !restored.has(path)),
    ...(await irreversibleMigrations(db, change)),
  ];
}
