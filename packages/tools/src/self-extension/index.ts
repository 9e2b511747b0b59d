export * from "./attestation.ts";
export * from "./baseline.ts";
export { attendToBase, hasBaseMoved } from "./base-verification.ts";
export * from "./block-reasons.ts";
export * from "./continue-run.ts";
export * from "./errors.ts";
export * from "./evidence.ts";
export * from "./git/mirror.ts";
export * from "./github-client.ts";
export * from "./github-pipeline.ts";
export * from "./guard-config.ts";
export * from "./health-payloads.ts";
export * from "./health-watch.ts";
export type { HealthSignal, Instant, Suspension } from "./health-watch.ts";
export * from "./lifecycle-events.ts";
export * from "./load-config.ts";
export { packageManagerEnv } from "./package-manager-env.ts";
export * from "./pipeline.ts";
export * from "./pipeline-world.ts";
export * from "./promotion-control.ts";
export * from "./pipeline-actions.ts";
export * from "./promotion-gate.ts";
export * from "./release-action.ts";
export * from "./release-runs.ts";
export * from "./proposal.ts";
export * from "./protected-paths.ts";
export { planRevert } from "./git/revert-change.ts";
export * from "./holds.ts";
export * from "./releases/build-release.ts";
export * from "./releases/check-release.ts";
export * from "./releases/journal.ts";
export * from "./releases/keep-release.ts";
export * from "./releases/mirror-pointers.ts";
export * from "./releases/pointers.ts";
export * from "./releases/release-store.ts";
export {
  listReleases,
  pruneReleases,
  sweepReleases,
  type Retention,
} from "./releases/retention.ts";
export * from "./revert-run.ts";
export * from "./run-result.ts";
export * from "./run-state.ts";
export * from "./runs.ts";
export * from "./staging-deployer.ts";
export * from "./verification.ts";
export { CACHE_DIRECTORIES } from "./verification/dependencies.ts";
