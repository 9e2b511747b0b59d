export { LedgerError, type LedgerErrorCode } from "./errors.ts";
export { signStatement } from "./attest/envelope.ts";
export {
  testResultStatement,
  verificationSummaryStatement,
  type PromotionFacts,
} from "./attest/statements.ts";
export { parseEventName, type Bundle } from "./bundle/bundle.ts";
export { checkBundle, type BundleVerdict } from "./bundle/check-bundle.ts";
export { exportLedger, type ExportLine } from "./bundle/export-ledger.ts";
export { proveEvent } from "./bundle/prove-event.ts";
export { ownKeyId, readKeys, rotateSigningKey } from "./keys/key-records.ts";
export { anchorIn, type Anchor } from "./notes/anchor.ts";
export { readTreeHead } from "./notes/checkpoint.ts";
export { encodeVerifier } from "./notes/signed-note.ts";
export type { AbandonedHistory } from "./seal/abandoned-history.ts";
export { acceptRestore } from "./seal/accept-restore.ts";
export { emptyRecordedBlob } from "./seal/empty-blob.ts";
export { startSealer, type Sealer, type SealerState } from "./seal/sealer.ts";
export { readNewestPushed, writeNewestPushed } from "./seal/newest-pushed.ts";
export { seenHere } from "./seal/newest-seen.ts";
export { isKnownHere, readGivenUp, seenAhead } from "./seal/seen-ahead.ts";
export { appendRecord } from "./store/records.ts";
export type { StoredCheckpoint } from "./store/tree-store.ts";
export type { Attack, Divergence, Remark, VerificationReport } from "./verify/report.ts";
export { verifyLedger } from "./verify/verify-ledger.ts";
