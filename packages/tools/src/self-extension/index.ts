export * from "./attestation.ts";
export { readImportGraph } from "./import-graph.ts";
export * from "./baseline.ts";
export { attendToBase, movedBase } from "./base-verification.ts";
export * from "./block-reasons.ts";
export { closeEnded } from "./close-ended.ts";
export * from "./connect-github.ts";
export * from "./continue-run.ts";
export * from "./errors.ts";
export * from "./evidence.ts";
export * from "./git/mirror.ts";
export { eachInTurn } from "./each-in-turn.ts";
export { fetchBase } from "./fetch-base.ts";
export * from "./github-client.ts";
export * from "./github-pipeline.ts";
export * from "./github-target.ts";
export * from "./guard-config.ts";
export * from "./health-payloads.ts";
export * from "./health-watch.ts";
export * from "./host-credentials.ts";
export * from "./host-problem.ts";
export { inspectHost, type HostReport } from "./host-report.ts";
export type { HealthSignal, Instant, Suspension } from "./health-watch.ts";
export * from "./checkpoint-ref.ts";
export { readLedgerAnchors } from "./git/ledger-anchors.ts";
export type { LedgerSeal } from "./ledger-seal.ts";
export * from "./lifecycle-events.ts";
export { readLedgerBlob } from "./ledger-blob.ts";
export * from "./load-config.ts";
export { isLoopback } from "./loopback.ts";
export { packageManagerEnv } from "./package-manager-env.ts";
export * from "./pipeline.ts";
export * from "./reconcile-runs.ts";
export * from "./record-proposal.ts";
export * from "./pipeline-world.ts";
export * from "./promotion-control.ts";
export { promotionFence } from "./promotion-fence.ts";
export {
  holderState,
  isThisProcess,
  thisHolder,
  type HolderState,
  type IntentHolder,
} from "./promotion-holder.ts";
export { promotionRemote } from "./promotion-remote.ts";
export { openIntents, type Intent } from "./promotion-intents.ts";
export * from "./pause-answer.ts";
export * from "./promotion-pause.ts";
export * from "./pipeline-actions.ts";
export * from "./promotion-gate.ts";
export { hostReadyAt } from "./rate-budget.ts";
export * from "./release-action.ts";
export { hostAnswers, readRepositoryFacts } from "./repository-standing.ts";
export * from "./repository-record.ts";
export * from "./take-over.ts";
export * from "./release-runs.ts";
export * from "./proposal.ts";
export * from "./protected-paths.ts";
export { fitReason } from "./ledger-text.ts";
export { planRevert } from "./git/revert-change.ts";
export * from "./holds.ts";
export * from "./standing-holds.ts";
export * from "./read-standing.ts";
export * from "./way-out.ts";
export * from "./releases/build-release.ts";
export * from "./releases/check-release.ts";
export * from "./releases/journal.ts";
export * from "./releases/keep-release.ts";
export * from "./releases/mirror-pointers.ts";
export * from "./releases/pointers.ts";
export * from "./releases/release-store.ts";
export { restorePointers } from "./releases/restore-pointers.ts";
export {
  listReleases,
  pruneReleases,
  sweepReleases,
  type Retention,
} from "./releases/retention.ts";
export * from "./revert-run.ts";
export { promotionStore } from "./promotion-store.ts";
export { settleWorld, type SettleWorld } from "./settle-intent.ts";
export * from "./room.ts";
export * from "./run-result.ts";
export { makeSandboxSwitch } from "./sandbox-switch.ts";
export * from "./run-state.ts";
export * from "./runs.ts";
export { readServingFacts, type ServingFacts } from "./serving-gate.ts";
export * from "./scratch/scratch-tree.ts";
export * from "./scratch/try-stage.ts";
export * from "./stage-words.ts";
export * from "./staging-deployer.ts";
export * from "./verification.ts";
export { CACHE_DIRECTORIES } from "./verification/dependencies.ts";
