import type { ActionProposalRow, JarvisDatabase } from "@jarvis/db";
import { decide } from "./action-policy.ts";
import type { ActionPolicy } from "./action-policy.ts";
import { proposalOf } from "./action-proposal.ts";
import type { ActionProposal } from "./action-proposal.ts";
import type { ActionRegistry } from "./action-registry.ts";
import { ActionAuditor } from "./auditor.ts";
import type { Principal } from "./audit-event.ts";
import { moveProposal, readProposalRow } from "./proposal-store.ts";
import type { SessionRiskTracker } from "./session-risk.ts";

/** What is wrong with a proposal; `path` is `action`, `policy`, `session`, or leads to the parameter. */
export type ValidationError = { readonly path: string; readonly message: string };

export type ValidationOutcome =
  | { outcome: "valid"; proposal: ActionProposal }
  /** Everything that is wrong with it; the proposal is rejected. */
  | { outcome: "invalid"; errors: readonly ValidationError[]; proposal: ActionProposal }
  | { outcome: "conflict"; proposal: ActionProposal };

type Judges = {
  readonly registry: ActionRegistry;
  readonly policy: ActionPolicy;
  readonly sessions: SessionRiskTracker;
};

/** Looks at everything at once, against what is registered and allowed now. */
export async function validateProposal(
  db: JarvisDatabase,
  judges: Judges,
  proposalId: number,
): Promise<ValidationOutcome> {
  return await db.transaction(async (tx) => {
    const row = await readProposalRow(tx, proposalId);
    if (row.state !== "proposed") return { outcome: "conflict", proposal: proposalOf(row) };
    const { errors, ask } = judge(row, judges);
    const { verdict } =
      errors.length > 0 ? { verdict: null } : await judges.sessions.judge(tx, row.sessionId, row);
    if (verdict === "observe") {
      errors.push({ path: "session", message: `${row.sessionId} may only observe` });
    }
    if (errors.length > 0) return await rejectInvalid(tx, row, errors);
    const needsApproval = ask || verdict === "ask";
    const validated = await moveProposal(tx, row, "validated", { needsApproval });
    if (validated === null) return await conflict(tx, proposalId);
    await new ActionAuditor(tx).logValidated(row.id, { needsApproval });
    return { outcome: "valid", proposal: proposalOf(validated) };
  });
}

function judge(
  row: ActionProposalRow,
  { registry, policy }: Judges,
): { errors: ValidationError[]; ask: boolean } {
  const definition = registry.get(row.actionName);
  if (definition === undefined) {
    const message = `no action "${row.actionName}" is registered`;
    return { errors: [{ path: "action", message }], ask: true };
  }
  const errors: ValidationError[] = [];
  if (definition.effect !== row.effect || definition.risk !== row.risk) {
    errors.push({ path: "action", message: "was registered anew since: propose again" });
  }
  const parsed = definition.parameters.safeParse(row.parameters);
  for (const issue of parsed.error?.issues ?? []) {
    errors.push({ path: ["parameters", ...issue.path].join("."), message: issue.message });
  }
  const paths = parsed.success ? (definition.paths?.(parsed.data) ?? []) : [];
  const { decision, reason } = decide({ ...definition, paths }, policy);
  if (decision === "deny") errors.push({ path: "policy", message: reason });
  return { errors, ask: decision === "ask" };
}

async function rejectInvalid(
  tx: JarvisDatabase,
  row: ActionProposalRow,
  errors: readonly ValidationError[],
): Promise<ValidationOutcome> {
  const reason = errors.map(({ path, message }) => `${path} ${message}`.trim()).join("; ");
  const rejected = await moveProposal(tx, row, "rejected", { endReason: reason });
  if (rejected === null) return await conflict(tx, row.id);
  const by: Principal = { kind: "system", name: "validation" };
  await new ActionAuditor(tx).logRejected(row.id, { by, reason, errors });
  return { outcome: "invalid", errors, proposal: proposalOf(rejected) };
}

async function conflict(tx: JarvisDatabase, id: number): Promise<ValidationOutcome> {
  return { outcome: "conflict", proposal: proposalOf(await readProposalRow(tx, id)) };
}
