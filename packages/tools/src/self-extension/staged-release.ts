import { personReasons, type BlockReason } from "./block-reasons.ts";
import type { TreeChange } from "./git/mirror.ts";
import type { EventContext } from "./lifecycle-events.ts";
import type { Approval } from "./lifecycle-payloads.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import type { Refusal } from "./proposal.ts";
import type { ProtectionFinding } from "./protected-paths.ts";
import { askForRelease, findApproval, type ReleaseFacts } from "./release-action.ts";
import { addedPackages } from "./verification/locked-packages.ts";

export type ReleaseDecision =
  /** Nothing protected is touched, or a person let exactly this pass. */
  | { readonly released: true; readonly approval: Approval | null }
  /** `parked`: a person is asked; otherwise nobody can let it pass. */
  | { readonly released: false; readonly refusals: readonly Refusal[]; readonly parked: boolean };

/** Whether a person has to look at a staged change, and whether one has. */
export async function decideRelease(
  world: PipelineWorld,
  staged: {
    readonly context: EventContext;
    readonly attempt: number;
    readonly baseSha: string;
    readonly baseTree: string;
    readonly treeSha: string;
    readonly changes: readonly TreeChange[];
    readonly findings: readonly ProtectionFinding[];
  },
): Promise<ReleaseDecision> {
  const { context, attempt, findings } = staged;
  if (findings.length === 0) return { released: true, approval: null };
  const refusals = findings.map(({ reason, path, why }) => ({
    reason,
    detail: `${path}: ${why}.`,
  }));
  const packages = findings.some(({ reason }) => reason === "dependencies-changed")
    ? await addedPackages(world.mirror, staged, world.packageManager)
    : { packages: [], refusals: [] };
  if (packages.refusals.length > 0) {
    return { released: false, parked: false, refusals: [...packages.refusals, ...refusals] };
  }
  const facts: ReleaseFacts = {
    runId: context.runId,
    treeSha: staged.treeSha,
    baseSha: staged.baseSha,
    reasons: personReasons.filter((word) => findings.some(({ reason }) => reason === word)).sort(),
    findings: findings.map(({ reason, path, why }) => ({ reason, path, why })),
    addedPackages: [...packages.packages],
  };
  const approval = await findApproval(world.db, context, facts);
  if (approval !== null) return { released: true, approval };
  const actionId = await askForRelease(world, context, { ...facts, attempt });
  const [first, ...others] = refusals;
  const reason: BlockReason = first?.reason ?? "protected-path";
  if (actionId === null) {
    const detail = "The change touches more than one approval can hold; hand it in in parts.";
    return { released: false, parked: false, refusals: [{ reason, detail }, ...refusals] };
  }
  const detail = `A person has to look: \`jarvis actions\` shows what, \`jarvis approve ${actionId}\` lets it pass, \`jarvis reject ${actionId} --reason TEXT\` ends it. ${first?.detail ?? ""}`;
  return { released: false, parked: true, refusals: [{ reason, detail }, ...others] };
}
