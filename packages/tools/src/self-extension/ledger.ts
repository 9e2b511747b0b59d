/**
 * What reads the ledger and turns its switches, without the pipeline: for programs that only look,
 * and must not wait for what promotes.
 */
export * from "./block-reasons.ts";
export { SelfExtensionError } from "./errors.ts";
export { packageManagerEnv } from "./package-manager-env.ts";
export * from "./promotion-control.ts";
export * from "./run-result.ts";
export * from "./run-state.ts";
export * from "./runs.ts";
