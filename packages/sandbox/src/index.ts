export { collectOutput, readOutputFile, type OutputFile } from "./collect-output.ts";
export { SandboxError, type SandboxErrorCode } from "./errors.ts";
export { defaultLimits } from "./limits.ts";
export { removeOutput } from "./remove-output.ts";
export {
  endAllSandboxes,
  killAllSandboxes,
  runningSandboxes,
  type ListedSandbox,
  type RunningSandboxes,
} from "./running.ts";
export { checkSandbox, runInSandbox, type SandboxAvailability } from "./sandbox.ts";
export { startInSandbox } from "./start-in-sandbox.ts";
export { sandboxTiers } from "./types.ts";
export type {
  ChannelLimits,
  KillReason,
  SandboxEnding,
  SandboxLimits,
  SandboxMount,
  SandboxOutput,
  SandboxProcess,
  SandboxProcessEnd,
  SandboxRequest,
  SandboxResult,
  SandboxStart,
  SandboxStartRequest,
  SandboxTier,
} from "./types.ts";
