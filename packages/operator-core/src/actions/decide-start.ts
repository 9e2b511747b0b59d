import type { ActionProposalRow } from "@jarvis/db";
import type { ActionDefinition } from "./action-definition.ts";
import { decide } from "./action-policy.ts";
import type { ActionPolicy } from "./action-policy.ts";
import { digestOf } from "./action-proposal.ts";
import { isApprovalToken } from "./approval-token.ts";

/** Why a proposal was not begun, and stays as it is unless the word says otherwise. A closed set. */
export type StartRefusal =
  /** It has not been validated, is running, or has ended. */
  | "not-executable"
  /** What would run is not what was proposed. */
  | "changed"
  | "unknown-action"
  /** The registered action is another than the one that was validated. */
  | "definition-changed"
  | "denied"
  | "approval-needed"
  | "approval-invalid"
  /** The proposal is expired now. */
  | "approval-expired"
  | "session-observe-only"
  /** Somebody else moved it first. */
  | "lost-race";

export type StartDecision =
  | { start: true; parameters: unknown; needsSessionVerdict: boolean }
  | { start: false; refusal: StartRefusal; detail: string };

/**
 * Whether a proposal may begin, by everything but the clock of its approval, the risk of its session
 * and the safety mode. All of it was looked at before; it may have changed since.
 */
export function decideStart(
  row: ActionProposalRow,
  facts: {
    definition: ActionDefinition | undefined;
    policy: ActionPolicy;
    approvalToken: string | undefined;
  },
): StartDecision {
  const { definition, policy, approvalToken } = facts;
  if (row.state !== "validated" && row.state !== "approved") {
    return refuse("not-executable", `proposal ${row.id} is ${row.state}`);
  }
  if (digestOf(row) !== row.parametersDigest) {
    return refuse("changed", `proposal ${row.id} is not what was proposed`);
  }
  if (definition === undefined) {
    return refuse("unknown-action", `no action "${row.actionName}" is registered any more`);
  }
  if (definition.effect !== row.effect || definition.risk !== row.risk) {
    return refuse("definition-changed", `${row.actionName} was registered anew: propose again`);
  }
  const parsed = definition.parameters.safeParse(row.parameters);
  if (!parsed.success) {
    return refuse("definition-changed", `${row.actionName} takes other parameters now`);
  }
  const { decision, reason } = decide(
    { ...definition, paths: definition.paths?.(parsed.data) ?? [] },
    policy,
  );
  if (decision === "deny") return refuse("denied", reason);
  if (row.state === "approved") {
    if (row.approvedDigest !== row.parametersDigest) {
      return refuse("changed", `proposal ${row.id} is not what was approved`);
    }
    if (approvalToken === undefined || !isApprovalToken(approvalToken, row.approvalTokenHash)) {
      return refuse("approval-invalid", "this is not the token of the approval");
    }
  } else if (decision === "ask" || row.needsApproval) {
    return refuse("approval-needed", decision === "ask" ? reason : "an approval was asked for");
  }
  const needsSessionVerdict = row.state === "validated";
  return { start: true, parameters: parsed.data, needsSessionVerdict };
}

function refuse(refusal: StartRefusal, detail: string): StartDecision {
  return { start: false, refusal, detail };
}
