import type { JarvisDatabase } from "@jarvis/db";
import { redactSecrets } from "../redaction.ts";
import type { ActionProposal } from "./action-proposal.ts";
import { ActionAuditor } from "./auditor.ts";
import type { Principal } from "./audit-event.ts";
import type { NotBegun } from "./begin-action.ts";
import { clip } from "./event-data.ts";
import { moveProposal, readProposalRow } from "./proposal-store.ts";
import type { AttemptsEnd } from "./run-attempts.ts";

export type ExecutionOutcome =
  | { outcome: "completed"; result: unknown; attempts: number; durationMs: number }
  | { outcome: "failed"; error: string; attempts: number; durationMs: number }
  | { outcome: "cancelled"; reason: string; attempts: number; durationMs: number }
  | NotBegun;

/**
 * Records how an action ended, its state and its event in one transaction. Where others closed it
 * meanwhile, they keep the last word.
 */
export async function endAction(
  db: JarvisDatabase,
  executorId: string,
  proposal: ActionProposal,
  end: AttemptsEnd,
  durationMs: number,
): Promise<ExecutionOutcome> {
  const facts = { attempts: end.attempts, settled: end.settled };
  const recorded = await db.transaction(async (tx) => {
    const row = await readProposalRow(tx, proposal.id);
    if (row.executorId !== executorId) return false;
    const to = end.ended === "stopped" ? "cancelled" : end.ended;
    const reason =
      end.ended === "completed" ? null : end.ended === "failed" ? end.error : end.reason;
    const endReason = reason === null ? null : clip(String(redactSecrets(reason).value), 2_000);
    if ((await moveProposal(tx, row, to, { endReason })) === null) return false;
    const auditor = new ActionAuditor(tx);
    if (end.ended === "stopped") {
      const system: Principal = { kind: "system", name: executorId };
      await auditor.logCancelled(proposal.id, end.reason, system, { ...facts, durationMs });
    } else if (end.ended === "failed") {
      const failed = { success: false, error: end.error, durationMs };
      await auditor.logExecutionCompleted(proposal.id, failed, facts);
    } else {
      const completed = { success: true, result: end.result, durationMs };
      await auditor.logExecutionCompleted(proposal.id, completed, facts);
    }
    return true;
  });
  const counted = { attempts: end.attempts, durationMs };
  if (!recorded) {
    const error = `others closed proposal ${proposal.id} while it ran: see its events`;
    return { outcome: "failed", error, ...counted };
  }
  if (end.ended === "completed") return { outcome: "completed", result: end.result, ...counted };
  if (end.ended === "failed") return { outcome: "failed", error: end.error, ...counted };
  return { outcome: "cancelled", reason: end.reason, ...counted };
}
