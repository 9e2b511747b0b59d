import { createHash } from "node:crypto";
import { putBlob } from "@jarvis/db";
import type { BlockReason } from "./block-reasons.ts";
import { SelfExtensionError } from "./errors.ts";
import { evidence, type Evidence } from "./evidence.ts";
import { readLedgerBlob } from "./ledger-blob.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { loadStaged, type Staged } from "./staged-change.ts";
import { dependenciesOf, type Dependencies } from "./verification/dependencies.ts";
import { VerificationSession } from "./verification/session.ts";
import { withScratch } from "./verification/stage-world.ts";

declare const verifiedBrand: unique symbol;

/** A change with a passing verdict about its very tree. Only this file can make one. */
export interface Verified {
  readonly [verifiedBrand]: true;
  readonly change: Staged;
  readonly evidenceDigest: string;
  readonly evidence: Evidence & { readonly releaseDigest: string };
}

export type VerificationOutcome =
  | { readonly kind: "evidence"; readonly evidence: Evidence; readonly evidenceDigest: string }
  | { readonly kind: "no-verdict"; readonly reason: BlockReason; readonly detail: string };

/**
 * Runs every stage of the base's configuration on a staged tree, in the sandbox, and stores the
 * evidence. Without a sandbox there is no verdict: nothing of the change is executed and
 * `sandbox-unavailable` comes back.
 */
export async function verifyChange(
  world: PipelineWorld,
  change: Staged,
): Promise<VerificationOutcome> {
  const sandbox = await world.checkSandbox();
  if (!sandbox.available) {
    return { kind: "no-verdict", reason: "sandbox-unavailable", detail: sandbox.message };
  }
  const dependencies = await dependenciesOf(
    world.mirror,
    change,
    world.directories.dependencies,
    world.packageManager,
  );
  return await withScratch(world.directories.work, async (scratch) => {
    const session = new VerificationSession(world, change, dependencies, scratch);
    try {
      return await judge(world, change, { session, dependencies, sandbox });
    } finally {
      await session.close();
    }
  });
}

async function judge(
  world: PipelineWorld,
  change: Staged,
  exam: {
    readonly session: VerificationSession;
    readonly dependencies: Dependencies;
    readonly sandbox: Evidence["sandbox"];
  },
): Promise<VerificationOutcome> {
  const { session, dependencies, sandbox } = exam;
  await session.runStages();
  const verdict = session.verdict();
  const passed = verdict === "passed";
  const facts: Evidence = {
    version: 1,
    runId: change.runId,
    attempt: change.attempt,
    baseSha: change.baseSha,
    baseTree: change.baseTree,
    treeSha: change.treeSha,
    configDigest: `sha256:${createHash("sha256").update(JSON.stringify(change.config)).digest("hex")}`,
    lockfileDigest: dependencies.candidate?.lockfileDigest ?? null,
    nodeVersion: process.version,
    sandbox: { tier: sandbox.tier, version: sandbox.version },
    stages: session.stages,
    releaseDigest: passed ? await session.releaseDigest() : null,
    testEvidence: session.testEvidence(),
    verdict,
    approval: change.approval,
    createdAt: new Date().toISOString(),
  };
  if (passed) {
    // A release that could not be kept is built again when it is needed, and has to be the same.
    await session.keepRelease();
    await session.keepForNextBase();
  }
  const bytes = Buffer.from(JSON.stringify(facts));
  const evidenceDigest = await putBlob(world.db, bytes, "application/json");
  return { kind: "evidence", evidence: facts, evidenceDigest };
}

/**
 * Makes the passing verdict of a run usable again from ledger, blob and git: each must tell the same
 * story about the same tree, or `evidence-mismatch` is thrown.
 */
export async function loadVerified(
  world: PipelineWorld,
  runId: string,
  stagedSha: string,
): Promise<Verified> {
  const change = await loadStaged(world, runId, stagedSha);
  const tested = (await readRunEvents(world.db, runId)).findLast(
    (event) => event.type === "tested",
  );
  const mismatch = (what: string): SelfExtensionError =>
    new SelfExtensionError("evidence-mismatch", `run ${runId} cannot be promoted: ${what}`);
  if (tested?.type !== "tested" || !tested.payload.passed)
    throw mismatch("it has no passing verdict");
  if (tested.payload.treeSha !== change.treeSha || tested.payload.baseSha !== change.baseSha) {
    throw mismatch("the verdict is about another tree or base");
  }
  const { evidenceDigest } = tested.payload;
  const bytes = evidenceDigest === null ? null : await readLedgerBlob(world.db, evidenceDigest);
  if (evidenceDigest === null || bytes === null) throw mismatch("its evidence is no longer kept");
  const read = evidence.safeParse(JSON.parse(bytes.toString("utf8")));
  if (!read.success)
    throw mismatch("its evidence has a shape or a word that this version does not know");
  const facts = read.data;
  const { releaseDigest: release } = facts;
  if (
    facts.verdict !== "passed" ||
    facts.runId !== runId ||
    facts.treeSha !== change.treeSha ||
    facts.baseSha !== change.baseSha ||
    facts.stages.some((stage) => stage.status !== "passed") ||
    release === null
  ) {
    throw mismatch("its evidence does not say passed for this tree");
  }
  // The one place where the brand is given: everything it stands for was checked just above.
  return { change, evidenceDigest, evidence: { ...facts, releaseDigest: release } } as Verified;
}
