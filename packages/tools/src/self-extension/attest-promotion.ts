import { ledgerRecords, putBlob } from "@jarvis/db";
import {
  appendRecord,
  signStatement,
  testResultStatement,
  verificationSummaryStatement,
  type PromotionFacts,
} from "@jarvis/ledger";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { PipelineWorld } from "./pipeline-world.ts";
import type { Head } from "./promotion-head.ts";
import type { Verified } from "./verification.ts";

/** What a promotion's attestation is, for whoever looks at its pull request. */
export interface Attestation {
  /** Of the blob with the signed envelopes, one a line. */
  readonly digest: string;
  /** The record of the ledger that names it: `jarvis ledger prove records:<id>`. */
  readonly recordId: number;
}

const attested = z.object({ digest: z.string() });

/**
 * Signs what was verified and who let it land, once for each commit and permit: envelopes as a blob,
 * their digest as a record of the ledger. A repetition finds the record.
 */
export async function attestPromotion(
  world: PipelineWorld,
  verified: Verified,
  head: Head,
  actionId: number,
): Promise<Attestation> {
  const { data } = ledgerRecords;
  const [known] = await world.db
    .select({ id: ledgerRecords.id, data })
    .from(ledgerRecords)
    .where(
      sql`${ledgerRecords.kind} = 'evidence_attested' and ${data} ->> 'headSha' = ${head.sha}
        and (${data} ->> 'actionId')::bigint = ${actionId}`,
    )
    .orderBy(ledgerRecords.id)
    .limit(1);
  if (known !== undefined) {
    return { digest: attested.parse(known.data).digest, recordId: known.id };
  }
  const facts = factsOf(world, verified, head, actionId);
  const envelopes = [testResultStatement(facts), verificationSummaryStatement(facts)];
  const lines = envelopes.map((statement) => `${signStatement(statement, world.ledger.signer)}\n`);
  const digest = await putBlob(world.db, Buffer.from(lines.join("")), "application/jsonl");
  const { runId, treeSha } = verified.change;
  const recordId = await appendRecord(world.db, {
    kind: "evidence_attested",
    actor: "kernel",
    data: { runId, headSha: head.sha, treeSha, actionId, digest },
  });
  return { digest, recordId };
}

function factsOf(
  world: PipelineWorld,
  { change, evidence, evidenceDigest }: Verified,
  head: Head,
  actionId: number,
): PromotionFacts {
  return {
    runId: change.runId,
    repository: world.github.gitUrl,
    baseSha: change.baseSha,
    headSha: head.sha,
    treeSha: change.treeSha,
    releaseDigest: evidence.releaseDigest,
    evidenceDigest,
    configDigest: evidence.configDigest,
    verifiedAt: evidence.createdAt,
    sandbox: evidence.sandbox,
    testEvidence: evidence.testEvidence,
    // A test stage passes only where the control test, which has to fail, was seen to fail.
    gates: evidence.stages.map(({ name, kind, status }) => ({
      name,
      status,
      control: kind === "test" && status === "passed" ? "failed as it must" : null,
    })),
    permit: { actionId, approvedBy: change.approval?.approvedBy ?? null },
  };
}
