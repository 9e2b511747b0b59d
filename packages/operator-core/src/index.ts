export { ObserveOnlyError, OperatorError } from "./errors.ts";
export type { OperatorErrorCode } from "./errors.ts";
export { redactSecrets } from "./redaction.ts";
export type { Redacted } from "./redaction.ts";
export {
  readSafetyState,
  requireExecuteMode,
  SafetyMode,
  SafetyState,
  setSafetyMode,
} from "./safety-state.ts";
export type {
  ModeChange,
  ModeChangeOptions,
  ModeChangeOutcome,
  ModeRequest,
  SafetyProblem,
  SafetyReading,
} from "./safety-state.ts";
export { killSwitch } from "./kill-switch.ts";
export type { KillOptions } from "./kill-switch.ts";
export { SafetyController } from "./safety-controller.ts";
export type { SafetyControllerOptions } from "./safety-controller.ts";
export { Actor, AuditEvent } from "./actions/audit-event.ts";
export type { NewAuditEvent, Principal, RecordedAuditEvent } from "./actions/audit-event.ts";
export { ActionAuditor } from "./actions/auditor.ts";
export type { AuditFilter, ExecutionEnd } from "./actions/auditor.ts";
export { ActionStatus, hasEnded, mayFollow } from "./actions/action-status.ts";
export { defineAction, EffectClass, RiskLevel } from "./actions/action-definition.ts";
export type { ActionContext, ActionDefinition } from "./actions/action-definition.ts";
export type { ExecutionPermit } from "./actions/execution-permit.ts";
export { ActionRegistry } from "./actions/action-registry.ts";
export { ActionPolicy, decide } from "./actions/action-policy.ts";
export type { PolicyDecision, PolicySubject } from "./actions/action-policy.ts";
export { ActionProposal } from "./actions/action-proposal.ts";
export { listProposals } from "./actions/proposal-store.ts";
export { scoreSession, SessionRiskTracker } from "./actions/session-risk.ts";
export type { SessionAction, SessionRisk, SessionVerdict } from "./actions/session-risk.ts";
export { ActionExecutor } from "./actions/action-executor.ts";
export type { ActionExecutorWorld, CancelOutcome } from "./actions/action-executor.ts";
export type { ActionRequest } from "./actions/propose-action.ts";
export type { ValidationError, ValidationOutcome } from "./actions/validate-proposal.ts";
export type { Approval, ApprovalOutcome } from "./actions/approve-proposal.ts";
export type { StartRefusal } from "./actions/decide-start.ts";
export type { ExecutionOutcome } from "./actions/end-action.ts";
