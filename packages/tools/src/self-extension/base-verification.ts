import {
  attestationRunId,
  isAttested,
  judgeBase,
  lastSeenBase,
  rememberBase,
  type BaseStanding,
} from "./attestation.ts";
import type { Evidence } from "./evidence.ts";
import { fetchBase } from "./fetch-base.ts";
import { diffTrees, treeOf } from "./git/mirror.ts";
import { readImportGraph } from "./import-graph.ts";
import {
  appendSelfExtensionEvent,
  kernelContext,
  readRunEvents,
  type LifecyclePayload,
} from "./lifecycle-events.ts";
import { loadConfig } from "./load-config.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { getPromotionControlState, setPromotionControlState } from "./promotion-control.ts";
import { promotionRemote } from "./promotion-remote.ts";
import { refuseChanges } from "./proposal.ts";
import { findProtected } from "./protected-paths.ts";
import { refuseContents } from "./refuse-contents.ts";
import type { Staged } from "./staged-change.ts";
import { verdictOf } from "./verdict.ts";
import { verifyChange } from "./verification.ts";

/**
 * Fetches the base and judges it, and does what can be done about one that somebody else moved: it
 * is verified like a change, by the gates of the base last seen. What a change could not promote by
 * itself (a protected path, a failing stage) stays unverified until a person accepts it; a base that
 * was rewritten pauses promotion. Everything but an outage is in the ledger.
 */
export async function attendToBase(world: PipelineWorld): Promise<BaseStanding> {
  const baseSha = await fetchBase(world);
  const last = await lastSeenBase(world.db);
  const standing = await judgeBase(world, baseSha);
  if (standing === "rewritten") {
    await pauseForRewrittenBase(world.db, baseSha);
    return standing;
  }
  const attested = standing === "attested" || (await verifyBase(world, baseSha, last));
  if (!attested) return "unverified";
  // Whoever moved the pointer meanwhile has seen a newer base than this one.
  await rememberBase(world.db, baseSha, { onlyAfter: last });
  return "attested";
}

/** Where the base stands, if that is elsewhere than last seen; else null. One request, no fetch. */
export async function movedBase(world: PipelineWorld): Promise<string | null> {
  const base = await promotionRemote(world.github).readBase();
  return base === (await lastSeenBase(world.db)) ? null : base;
}

/** The sentence of a base that waits for a person, with what its verification said where there was one. */
export async function whyUnverified(db: PipelineWorld["db"], baseSha: string): Promise<string> {
  const verdict = await verdictAbout(db, baseSha);
  const why =
    verdict === null
      ? "was neither verified by Jarvis nor accepted."
      : `did not pass: ${(verdict.reason ?? "no reason is kept").replace(/\.?$/, ".")}`;
  return `The base ${baseSha} ${why} Look at it and run \`jarvis accept ${baseSha}\`.`;
}

/** Pauses promotion for a base that lost the commit last seen. A pause that stands keeps its reason. */
export async function pauseForRewrittenBase(
  db: PipelineWorld["db"],
  baseSha: string,
): Promise<string> {
  const detail = `The base ${baseSha} does not descend from the base last seen; look at its history, then run \`jarvis accept ${baseSha}\` and \`jarvis resume\`.`;
  const control = await getPromotionControlState(db);
  if (control.paused && control.problem === null) return detail;
  await setPromotionControlState(db, {
    paused: true,
    reason: `base-rewritten: ${detail}`,
    updatedBy: "system",
  });
  return detail;
}

/** True once the base has a passing verdict. A verdict is recorded once; an outage leaves none. */
async function verifyBase(
  world: PipelineWorld,
  baseSha: string,
  last: string | null,
): Promise<boolean> {
  if ((await verdictAbout(world.db, baseSha)) !== null) return false;
  // Without a commit that was trusted before there is nothing to judge by.
  if (last === null || !(await isAttested(world.db, await treeOf(world.mirror, last))))
    return false;
  const change = await asChange(world, baseSha, last);
  const objections = await objectionsTo(world, change);
  if (objections.length > 0) {
    const hidden = objections.length - SHOWN;
    const more = hidden > 0 ? ` And ${hidden} more of this kind.` : "";
    const reason = `it holds what only a person lets pass. ${objections.slice(0, SHOWN).join(" ")}${more}`;
    await record(world, change, { ...unjudged(change), reason });
    return false;
  }
  try {
    const outcome = await verifyChange(world, change);
    if (outcome.kind === "no-verdict" || isInterrupted(outcome.evidence)) return false;
    await record(world, change, verdictOf(change, outcome.evidence, outcome.evidenceDigest));
    return outcome.evidence.verdict === "passed";
  } finally {
    world.ended(change.runId);
  }
}

const SHOWN = 5;

/** What would keep the same change from being promoted before anything of it is executed. */
async function objectionsTo(
  { mirror }: PipelineWorld,
  { changes, config, baseTree, treeSha }: Staged,
): Promise<string[]> {
  const allowBinary = config.limits?.allowBinary ?? false;
  const refusals = [
    ...refuseChanges(changes),
    ...(await refuseContents({ mirror }, changes, allowBinary)),
  ];
  const findings = findProtected({
    changes,
    config,
    base: await readImportGraph(mirror, baseTree),
    candidate: await readImportGraph(mirror, treeSha),
  });
  return [
    ...refusals.map(({ detail }) => detail),
    ...findings.map(({ path, why }) => `${path}: ${why}.`),
  ];
}

/** What came to the base from outside, as if it had been proposed on the commit last trusted. */
async function asChange(world: PipelineWorld, baseSha: string, last: string): Promise<Staged> {
  const context = kernelContext(attestationRunId(baseSha));
  const baseTree = await treeOf(world.mirror, last);
  const treeSha = await treeOf(world.mirror, baseSha);
  return {
    runId: context.runId,
    attempt: 1,
    context,
    title: `The base moved to ${baseSha}`,
    goal: null,
    baseSha: last,
    baseTree,
    treeSha,
    stagedSha: baseSha,
    date: new Date(),
    changes: await diffTrees(world.mirror, baseTree, treeSha),
    config: await loadConfig(world.mirror, baseTree),
    approval: null,
    reverted: null,
    restored: new Set(),
  };
}

/** A verdict that blames nobody is looked for again: a broken machine, or a kill in between. */
function isInterrupted({ verdict, stages }: Evidence): boolean {
  return verdict === "error" || stages.some(({ category }) => category === "aborted");
}

function unjudged(change: Staged): LifecyclePayload<"tested"> {
  return {
    attempt: 1,
    attestation: "verified",
    passed: false,
    baseSha: change.baseSha,
    treeSha: change.treeSha,
    evidenceDigest: null,
    releaseDigest: null,
    testEvidence: "none",
    stages: [],
    reason: null,
  };
}

async function record(
  world: PipelineWorld,
  change: Staged,
  payload: LifecyclePayload<"tested">,
): Promise<void> {
  await appendSelfExtensionEvent(world.db, {
    context: change.context,
    type: "tested",
    stage: "attestation",
    idempotencyKey: `base-tested:${change.stagedSha}`,
    payload,
  });
}

async function verdictAbout(
  db: PipelineWorld["db"],
  baseSha: string,
): Promise<LifecyclePayload<"tested"> | null> {
  const event = (await readRunEvents(db, attestationRunId(baseSha))).findLast(
    ({ type }) => type === "tested",
  );
  return event?.type === "tested" ? event.payload : null;
}
