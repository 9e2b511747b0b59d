import type { GuardConfig } from "./guard-config.ts";
import { readRunEvents, type LifecycleEvent } from "./lifecycle-events.ts";
import type { Approval } from "./lifecycle-payloads.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { matcher, type ProtectionFinding } from "./protected-paths.ts";
import { MIGRATION_IRREVERSIBLE } from "./verification/migration-stage.ts";

/** A change as far as its migrations go. */
interface MigratingChange {
  readonly runId: string;
  readonly treeSha: string;
  readonly changes: readonly { readonly path: string }[];
  readonly config: GuardConfig;
}

/**
 * What a person has to let pass because this very tree was found to leave the base no way back;
 * empty for any other. Known only after its verification, so it is asked when it is staged again.
 */
export async function irreversibleMigrations(
  db: PipelineWorld["db"],
  { runId, treeSha, changes, config }: MigratingChange,
): Promise<ProtectionFinding[]> {
  const events = await readRunEvents(db, runId);
  if (!events.some((event) => foundIrreversible(event, treeSha))) return [];
  const globs = config.stages.flatMap((stage) => (stage.kind === "migration" ? stage.when : []));
  const isMigration = matcher(globs);
  return changes
    .filter(({ path }) => isMigration(path))
    .map(({ path }) => ({
      reason: MIGRATION_IRREVERSIBLE,
      path,
      why: "the base does not run on the data that this change migrates, so there is no way back",
    }));
}

/** Whether a person let exactly this pass. */
export function isMigrationReleased(approval: Approval | null): boolean {
  return approval?.released.includes(MIGRATION_IRREVERSIBLE) ?? false;
}

function foundIrreversible(event: LifecycleEvent, treeSha: string): boolean {
  return (
    event.type === "tested" &&
    event.payload.treeSha === treeSha &&
    event.payload.stages.some(({ category }) => category === MIGRATION_IRREVERSIBLE)
  );
}
