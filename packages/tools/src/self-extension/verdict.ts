import type { Evidence } from "./evidence.ts";
import type { LifecyclePayload } from "./lifecycle-events.ts";
import type { Staged } from "./staged-change.ts";

/** What evidence says, as the `tested` event keeps it. */
export function verdictOf(
  change: Staged,
  evidence: Evidence,
  evidenceDigest: string,
): LifecyclePayload<"tested"> {
  const failed = evidence.stages.find((stage) => stage.status !== "passed");
  return {
    attempt: change.attempt,
    attestation: "verified",
    passed: evidence.verdict === "passed",
    baseSha: change.baseSha,
    treeSha: change.treeSha,
    evidenceDigest,
    releaseDigest: evidence.releaseDigest,
    testEvidence: evidence.testEvidence,
    stages: evidence.stages.map(({ name, status, durationMs, category, reason }) => ({
      name,
      status,
      durationMs,
      category,
      reason,
    })),
    reason: failed?.reason ?? null,
  };
}
