/**
 * What reads the ledger and turns its switches, without the pipeline: for programs that only look,
 * and must not wait for what promotes.
 */
export * from "./block-reasons.ts";
export { lastSeenBase } from "./attestation.ts";
export { SelfExtensionError } from "./errors.ts";
export { readLedgerAnchors } from "./git/ledger-anchors.ts";
export { fitReason } from "./ledger-text.ts";
export { packageManagerEnv } from "./package-manager-env.ts";
export * from "./pause-answer.ts";
export * from "./promotion-control.ts";
export { openIntents } from "./promotion-intents.ts";
export * from "./run-result.ts";
export * from "./run-state.ts";
export * from "./runs.ts";
export { standingOfSwitches, wayOut } from "./way-out.ts";
