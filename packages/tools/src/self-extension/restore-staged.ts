import { applyChange } from "./apply-change.ts";
import { SelfExtensionError } from "./errors.ts";
import { fetchBase } from "./fetch-base.ts";
import { hasCommit, keepCommit, treeOf, writeCommit } from "./git/mirror.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import type { ProposedChange } from "./staged-change.ts";
import { inertLine } from "./text-fence.ts";

export const JARVIS_IDENTITY = { name: "Jarvis", email: "jarvis@localhost" } as const;

/** Writes a staged change as one commit on its base: the same bytes whoever does it, and when. */
export async function writeStaged(
  { mirror }: Pick<PipelineWorld, "mirror">,
  runId: string,
  run: Pick<ProposedChange, "title" | "date">,
  staged: { readonly attempt: number; readonly tree: string; readonly baseSha: string },
): Promise<string> {
  const sha = await writeCommit(mirror, {
    tree: staged.tree,
    parents: [staged.baseSha],
    identity: JARVIS_IDENTITY,
    date: run.date,
    message: `${inertLine(run.title)}\n\nJarvis-Run: ${runId}\n`,
  });
  await keepCommit(mirror, `${runId}-${staged.attempt}`, sha);
  return sha;
}

/**
 * Makes a staged commit again in a mirror that does not hold it, because another kernel staged it or
 * the mirror was lost: from the patch in the database, on the base it was put on.
 * @throws SelfExtensionError `evidence-mismatch` where something else comes out than the ledger names
 */
export async function restoreStaged(
  world: PipelineWorld,
  runId: string,
  run: Pick<ProposedChange, "title" | "date" | "patch" | "goal" | "context">,
  staged: { readonly attempt: number; readonly stagedSha: string; readonly baseSha: string },
): Promise<void> {
  const { mirror } = world;
  const { attempt, stagedSha, baseSha } = staged;
  if (await hasCommit(mirror, stagedSha)) return;
  if (!(await hasCommit(mirror, baseSha))) await fetchBase(world);
  if (!(await hasCommit(mirror, baseSha))) {
    throw new SelfExtensionError(
      "evidence-mismatch",
      `run ${runId} was staged on ${baseSha}, which the base does not hold any more`,
    );
  }
  const base = { sha: baseSha, tree: await treeOf(mirror, baseSha) };
  const applied = await applyChange(world, runId, run, base);
  const again = applied.applied
    ? await writeStaged(world, runId, run, { attempt, tree: applied.tree, baseSha })
    : applied.refusal.detail;
  if (again !== stagedSha) {
    throw new SelfExtensionError(
      "evidence-mismatch",
      `run ${runId} staged ${stagedSha}; made again it is: ${again}`,
    );
  }
}
