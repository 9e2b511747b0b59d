export { ObserveOnlyError, OperatorError } from "./errors.ts";
export type { OperatorErrorCode } from "./errors.ts";
export { redactSecrets } from "./redaction.ts";
export type { Redacted } from "./redaction.ts";
export {
  killSwitch,
  readSafetyState,
  requireExecuteMode,
  SafetyMode,
  SafetyState,
  setSafetyMode,
} from "./safety-state.ts";
export type {
  KillOptions,
  ModeChange,
  ModeChangeOptions,
  ModeChangeOutcome,
  SafetyProblem,
  SafetyReading,
} from "./safety-state.ts";
