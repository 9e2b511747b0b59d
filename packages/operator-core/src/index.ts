export { messageOf, ObserveOnlyError, OperatorError } from "./errors.ts";
export type { OperatorErrorCode } from "./errors.ts";
export { redactSecrets } from "./redaction.ts";
export type { Redacted } from "./redaction.ts";
export { readSafetyState, SafetyMode, SafetyState, setSafetyMode } from "./safety-state.ts";
export type {
  ModeChange,
  ModeChangeOptions,
  ModeChangeOutcome,
  ModeRequest,
  SafetyProblem,
  SafetyReading,
} from "./safety-state.ts";
export { killSwitch } from "./kill-switch.ts";
export type { KillHook, KillOptions } from "./kill-switch.ts";
export type { KillAnswer, Stopped } from "./stopped.ts";
export { SafetyController } from "./safety-controller.ts";
export type { Gatekeeper, SafetyControllerOptions } from "./safety-controller.ts";
export { Actor, AuditEvent } from "./actions/audit-event.ts";
export type { NewAuditEvent, Principal, RecordedAuditEvent } from "./actions/audit-event.ts";
export { ActionAuditor } from "./actions/auditor.ts";
export type { AuditFilter, ExecutionEnd } from "./actions/auditor.ts";
export { ActionStatus, hasEnded, mayFollow } from "./actions/action-status.ts";
export { defineAction, EffectClass, RiskLevel } from "./actions/action-definition.ts";
export type { ActionContext, ActionDefinition } from "./actions/action-definition.ts";
export { requirePermit } from "./actions/execution-permit.ts";
export type { ExecutionPermit } from "./actions/execution-permit.ts";
export type { ProcessRequest, ProcessResult } from "./actions/action-processes.ts";
export { ActionRegistry } from "./actions/action-registry.ts";
export { ActionPolicy, decide } from "./actions/action-policy.ts";
export type { PolicyDecision, PolicySubject } from "./actions/action-policy.ts";
export { ActionProposal, digestOf } from "./actions/action-proposal.ts";
export { listProposals, readProposal } from "./actions/proposal-store.ts";
export type { ProposalFilter } from "./actions/proposal-store.ts";
export { scoreSession, SessionRiskTracker, type ObservedSession } from "./actions/session-risk.ts";
export type { SessionAction, SessionRisk, SessionVerdict } from "./actions/session-risk.ts";
export { ActionExecutor } from "./actions/action-executor.ts";
export type { ActionExecutorWorld, CancelOutcome } from "./actions/action-executor.ts";
export type { ActionRequest, QuotaOf } from "./actions/propose-action.ts";
export type { ValidationError, ValidationOutcome } from "./actions/validate-proposal.ts";
export type { Approval, ApprovalOutcome } from "./actions/approve-proposal.ts";
export type { StartRefusal } from "./actions/decide-start.ts";
export type { ExecutionOutcome } from "./actions/end-action.ts";
export type { PerformOutcome } from "./actions/perform-action.ts";
export { mayDo, operations, Role, rolesFor } from "./access/roles.ts";
export type { Operation } from "./access/roles.ts";
export { agentQuota, decideQuota, defaultQuota, Quota, quotaSentence } from "./access/quota.ts";
export type { QuotaDecision, Usage } from "./access/quota.ts";
export {
  addToken,
  callerOf,
  findCaller,
  knownToken,
  newToken,
  readTokens,
  revokeToken,
} from "./access/token-store.ts";
export type { Caller, KnownToken, TokenRecord } from "./access/token-store.ts";
