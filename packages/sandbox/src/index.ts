export { collectOutput, readOutputFile, type OutputFile } from "./collect-output.ts";
export { SandboxError, type SandboxErrorCode } from "./errors.ts";
export { defaultLimits } from "./limits.ts";
export { removeOutput } from "./remove-output.ts";
export { killAllSandboxes, waitForNoSandboxes } from "./running.ts";
export { checkSandbox, runInSandbox, type SandboxAvailability } from "./sandbox.ts";
export type {
  KillReason,
  SandboxEnding,
  SandboxLimits,
  SandboxMount,
  SandboxOutput,
  SandboxRequest,
  SandboxResult,
  SandboxTier,
} from "./types.ts";
