import { ObserveOnlyError } from "../errors.ts";
import type { ActionProposal } from "./action-proposal.ts";
import type { Principal } from "./audit-event.ts";
import type { ExecutionOutcome } from "./end-action.ts";
import type { ActionRequest } from "./propose-action.ts";
import type { ValidationError, ValidationOutcome } from "./validate-proposal.ts";

/** How an action went that was proposed and executed in one go; `proposalId` leads to its events. */
export type PerformOutcome = { readonly proposalId: number } & (
  | ExecutionOutcome
  /** Everything that is wrong with it; it was rejected. */
  | { outcome: "invalid"; errors: readonly ValidationError[] }
  /** A person would have to agree; nobody waits for that, so it was cancelled. */
  | { outcome: "approval-needed"; detail: string }
);

type Performing = {
  /** Aborted when whoever waits for it is stopped: then it is stopped too. */
  readonly signal?: AbortSignal;
  readonly proposed?: (proposalId: number) => void;
};

/** The executor's steps, as far as they are needed here. */
interface Steps {
  propose(request: ActionRequest): Promise<ActionProposal>;
  validate(proposalId: number): Promise<ValidationOutcome>;
  execute(
    proposalId: number,
    options: { approvalToken: undefined; signal?: AbortSignal },
  ): Promise<ExecutionOutcome>;
  cancel(proposalId: number, cancellation: { by: Principal; reason: string }): Promise<unknown>;
}

const system: Principal = { kind: "system", name: "executor" };

/** Takes one request through all steps. What is not executed is left in an end, never pending. */
export async function performAction(
  executor: Steps,
  request: ActionRequest,
  { signal, proposed }: Performing,
): Promise<PerformOutcome> {
  const stoppedWith = signal === undefined ? {} : { signal };
  const { id } = await executor.propose(request);
  proposed?.(id);
  const validation = await executor.validate(id);
  if (validation.outcome === "invalid") {
    return { proposalId: id, outcome: "invalid", errors: validation.errors };
  }
  if (validation.proposal.needsApproval) {
    return await notWaitedFor(executor, validation.proposal, "a person has to approve it");
  }
  try {
    const outcome = await executor.execute(id, { approvalToken: undefined, ...stoppedWith });
    if (outcome.outcome !== "refused") return { proposalId: id, ...outcome };
    if (outcome.refusal === "approval-needed") {
      return await notWaitedFor(executor, validation.proposal, outcome.detail);
    }
    await executor.cancel(id, { by: system, reason: outcome.detail });
    return { proposalId: id, ...outcome };
  } catch (error) {
    if (error instanceof ObserveOnlyError) {
      await executor.cancel(id, { by: system, reason: error.message });
    }
    throw error;
  }
}

async function notWaitedFor(
  executor: Steps,
  { id }: ActionProposal,
  detail: string,
): Promise<PerformOutcome> {
  await executor.cancel(id, { by: system, reason: `${detail}, and nobody waits for that` });
  return { proposalId: id, outcome: "approval-needed", detail };
}
