import type { JarvisDatabase } from "@jarvis/db";
import { digestOf, proposalOf } from "./action-proposal.ts";
import type { ActionProposal } from "./action-proposal.ts";
import { newApprovalToken } from "./approval-token.ts";
import { ActionAuditor } from "./auditor.ts";
import type { Principal } from "./audit-event.ts";
import { moveProposal, readProposalRow } from "./proposal-store.ts";
import { inMs } from "./running-actions.ts";

/** Who approves, and the digest of what the person was shown. */
export type Approval = { readonly by: Principal; readonly digest: string };

type ApprovalRefusal =
  | "not-approvable"
  /** What was shown is not what would run. */
  | "changed"
  | "self-approval"
  | "agent-approval"
  | "lost-race";

export type ApprovalOutcome =
  | { outcome: "approved"; token: string; proposal: ActionProposal }
  | { outcome: "refused"; refusal: ApprovalRefusal; detail: string };

/** The token is answered once; the database keeps its hash. */
export async function approveProposal(
  db: JarvisDatabase,
  proposalId: number,
  { by, digest }: Approval,
  lifeMs: number,
): Promise<ApprovalOutcome> {
  return await db.transaction(async (tx): Promise<ApprovalOutcome> => {
    const row = await readProposalRow(tx, proposalId);
    if (by.kind === "agent") return refuse("agent-approval", "an agent approves nothing");
    if (by.name === row.requestedBy) {
      return refuse("self-approval", `${by.name} asked for it: somebody else has to approve`);
    }
    if (row.state !== "validated") {
      return refuse("not-approvable", `proposal ${row.id} is ${row.state}`);
    }
    if (digest !== row.parametersDigest || digestOf(row) !== digest) {
      return refuse("changed", `proposal ${row.id} is not what was shown: look at it again`);
    }
    const { token, tokenHash } = newApprovalToken();
    const approved = await moveProposal(tx, row, "approved", {
      approvalTokenHash: tokenHash,
      approvalExpiresAt: inMs(lifeMs),
      approvedDigest: digest,
      approvedBy: by.name,
    });
    if (approved === null) return refuse("lost-race", "somebody else moved it first");
    const proposal = proposalOf(approved);
    await new ActionAuditor(tx).logApproved(row.id, {
      by,
      digest,
      expiresAt: proposal.approvalExpiresAt ?? "",
    });
    return { outcome: "approved", token, proposal };
  });
}

function refuse(refusal: ApprovalRefusal, detail: string): ApprovalOutcome {
  return { outcome: "refused", refusal, detail };
}
