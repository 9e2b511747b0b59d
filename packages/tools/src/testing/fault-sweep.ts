import { readFileSync } from "node:fs";
import type { FaultInput } from "@jarvis/forge/testing";
import { clearFaults, listFaults, orderFault } from "@jarvis/forge/testing";
import { compareAndSetAgentState, readAgentState, type JarvisDatabase } from "@jarvis/db";
import { attest } from "../self-extension/attestation.ts";
import { treeOf } from "../self-extension/git/mirror.ts";
import { fetchBase } from "../self-extension/fetch-base.ts";
import { rememberBase } from "../self-extension/attestation.ts";
import { openIntents } from "../self-extension/promotion-intents.ts";
import { setPromotionControlState } from "../self-extension/promotion-control.ts";
import { foldRun } from "../self-extension/run-state.ts";
import { readRun } from "../self-extension/runs.ts";
import { at, type PromotionWorld } from "./promotion-world.ts";

type Fault = FaultInput["fault"];

/** One thing that can go wrong at a call of a promotion, and what may become of the run by it. */
export interface SweptFault {
  readonly name: string;
  readonly fault: Fault;
  /** True where somebody else changes the base: then another end than the promotion is possible. */
  readonly movesBase: boolean;
}

const still = (name: string, fault: Fault): SweptFault => ({ name, fault, movesBase: false });
const moving = (name: string, fault: Fault): SweptFault => ({ name, fault, movesBase: true });

/** Everything that the forge can be ordered to do wrong. */
export const sweptFaults: readonly SweptFault[] = [
  still("502 before", { kind: "error", when: "before" }),
  still("503 after", { kind: "error", when: "after", status: 503 }),
  still("request lost", { kind: "close-connection", when: "before" }),
  still("answer lost", { kind: "close-connection", when: "after" }),
  still("late", { kind: "delay", when: "before", ms: 50 }),
  still("answered late", { kind: "delay", when: "after", ms: 50 }),
  still("stale by one", { kind: "stale-read", changesBack: 1 }),
  still("stale by four", { kind: "stale-read", changesBack: 4 }),
  still("primary limit", { kind: "primary-limit", resetInSeconds: 0 }),
  still("primary limit as 429", { kind: "primary-limit", status: 429, resetInSeconds: 0 }),
  still("secondary limit", { kind: "secondary-limit", retryAfterSeconds: 0 }),
  still("budget used up", { kind: "rate-budget", remaining: 2, resetInSeconds: 3600 }),
  moving("base moved before", {
    kind: "move-branch",
    when: "before",
    branch: "main",
    to: "new-commit",
  }),
  moving("base moved after", {
    kind: "move-branch",
    when: "after",
    branch: "main",
    to: "new-commit",
  }),
  moving("base set back before", {
    kind: "move-branch",
    when: "before",
    branch: "main",
    to: { rewind: 1 },
  }),
  moving("base set back after", {
    kind: "move-branch",
    when: "after",
    branch: "main",
    to: { rewind: 1 },
  }),
];

interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly hidden?: number;
  readonly actor: string | null;
}

/** What the pipeline has asked of the API since a number of lines. */
export function requestsSince(suite: PromotionWorld, since: number): LoggedRequest[] {
  return readLog(suite)
    .slice(since)
    .filter(({ actor, path }) => actor === "jarvis[bot]" && path.startsWith("/api/"));
}

export function logLength(suite: PromotionWorld): number {
  return readLog(suite).length;
}

function readLog({ world }: PromotionWorld): LoggedRequest[] {
  return readFileSync(world.forge.requestLog, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LoggedRequest);
}

const ATTEMPTS = 8;

/**
 * Takes one change to its end with these faults at these calls of its first promotion (from 1), and
 * answers everything that is wrong about what became of it. What waits for a person gets what it
 * waits for, and time goes by where the host said to wait. `kept` is the branch of a run that ended
 * blocked: it stays for whoever looks into it.
 */
export async function sweepOne(
  suite: PromotionWorld,
  faults: readonly { readonly at: number; readonly swept: SweptFault }[],
): Promise<{
  readonly violations: string[];
  readonly struck: number;
  readonly kept: string | null;
}> {
  const { world } = suite;
  const runId = await world.submit(suite.patch());
  const { stagedSha } = await world.steps.stage(runId, 1);
  if (stagedSha === null) throw new Error("the change could not be staged");
  await world.steps.verify(runId, stagedSha);
  const since = logLength(suite);
  const baseBefore = (await suite.host()).base;
  // Of a run whose landing somebody set back: the next one has to find out about it first.
  const isUnsettled = (await openIntents(world.db)).length > 0;
  for (const { at: nth, swept } of faults) {
    await orderFault(world.forge, {
      match: { login: "jarvis[bot]", path: "/**", nth },
      fault: swept.fault,
    });
  }
  const violations: string[] = [];
  const parkedBy = new Set<string>();
  let struck = 0;
  const clearAway = async (): Promise<void> => {
    for (const { fired } of await listFaults(world.forge)) struck += fired;
    await clearFaults(world.forge);
  };
  try {
    await world.steps.promote(runId, stagedSha, 1);
    for (let attempt = 2; attempt <= ATTEMPTS; attempt += 1) {
      const run = await readRun(world.db, runId);
      const status = run?.state.status;
      if (status !== "parked" && status !== "tested" && status !== "proposed") break;
      for (const reason of run?.state.blockReasons ?? []) parkedBy.add(reason);
      await clearAway();
      await letGoOn(suite, run?.state.blockReasons ?? []);
      // What the engine does: another round of this attempt, or another attempt of a parked run.
      await world.attempt(runId, status === "parked" ? attempt : (run?.state.attempt ?? 1));
    }
  } catch (error) {
    violations.push(`the pipeline threw: ${String(error)}`);
  }
  await clearAway();
  const isMoved = faults.some(({ swept }) => swept.movesBase);
  violations.push(
    ...(await judge(suite, runId, { since, baseBefore, isMoved, isUnsettled, parkedBy })),
  );
  const state = (await readRun(world.db, runId))?.state;
  const kept = state?.status === "blocked" ? state.branchName : null;
  return { violations, struck, kept };
}

/** Gives a parked run what it waits for, as time or a person would. */
async function letGoOn(suite: PromotionWorld, reasons: readonly string[]): Promise<void> {
  const { world } = suite;
  if (reasons.includes("rate-budget-low")) await letTimePass(world.db);
  await acceptBase(suite);
  await setPromotionControlState(world.db, { paused: false, reason: "go on", updatedBy: "anna" });
}

/** As if the host's limit had been reset meanwhile. */
export async function letTimePass(db: JarvisDatabase): Promise<void> {
  const row = await readAgentState(db, "self_extension:rate_budget");
  if (row === null) return;
  const { key, version } = row;
  await compareAndSetAgentState(db, key, { expectedVersion: version, value: {} });
}

/** An operator has looked at the base as it is now. */
export async function acceptBase({ world }: PromotionWorld): Promise<void> {
  const sha = await fetchBase(world);
  const treeSha = await treeOf(world.mirror, sha);
  await attest(world.db, { sha, treeSha, by: "accepted", actor: "anna", reason: "looked at it" });
  await rememberBase(world.db, sha);
}

const PARKED = new Set([
  "github-not-connected",
  "rate-budget-low",
  "base-unverified",
  "base-rewritten",
  "promotion-paused",
  "status-missing",
]);

async function judge(
  suite: PromotionWorld,
  runId: string,
  facts: {
    since: number;
    baseBefore: string;
    isMoved: boolean;
    isUnsettled: boolean;
    parkedBy: ReadonlySet<string>;
  },
): Promise<string[]> {
  const found: string[] = [];
  const run = await readRun(suite.world.db, runId);
  const events = run?.events ?? [];
  const state = foldRun(runId, events);
  for (const reason of facts.parkedBy) {
    if (reason === "landing-unresolved" && facts.isUnsettled) continue;
    if (!PARKED.has(reason)) found.push(`it was parked by ${reason}`);
  }
  const promoted = events.filter(({ type }) => type === "promoted").length;
  // Where the base was set back past what had landed, saying so is the right end.
  const mayEndBlocked = facts.isMoved && state.blockReasons.includes("tree-mismatch");
  if (state.status !== "promoted" && !mayEndBlocked) {
    found.push(
      `it ended ${state.status}: ${state.blockReasons.join(", ")} ${state.blockDetail ?? ""} ${state.failure?.reason ?? ""}`,
    );
  }
  if (promoted !== (state.status === "promoted" ? 1 : 0)) found.push(`${promoted} promoted events`);

  const made = requestsSince(suite, facts.since).filter(
    ({ method, status, hidden }) =>
      method !== "GET" && (hidden ?? status) < 300 && (hidden ?? status) > 0,
  );
  const count = (method: string, path: RegExp): number =>
    made.filter((request) => request.method === method && path.test(request.path)).length;
  const rounds = new Set(
    events.flatMap(({ type, payload }) =>
      type === "tested" && "evidenceDigest" in payload ? [payload.evidenceDigest] : [],
    ),
  ).size;
  const atMost = (what: string, times: number, limit: number): void => {
    if (times > limit) found.push(`${what} ${times} times in ${rounds} rounds`);
  };
  atMost("a branch was made", count("POST", /\/git\/refs$/), rounds);
  atMost("a pull request was opened", count("POST", /\/pulls$/), rounds);
  atMost(
    "the base was moved",
    count("PATCH", /\/git\/refs\/heads\/main$|heads%2Fmain$/),
    facts.isMoved ? 2 : 1,
  );

  // A branch that could not be removed is left to the next promotion, and looked for at the end.
  const { headSha } = state;
  if (state.status !== "promoted" || headSha === null) return found;
  const host = await suite.host();
  const merged = host.pulls.filter(({ head, merged: is }) => head === headSha && is).length;
  if (merged !== 1) found.push(`${merged} merged pull requests of its head`);
  const commit = await suite.operator.rest.git.getCommit({ ...at, commit_sha: headSha });
  if (commit.data.parents.length !== 1) found.push("what landed has not one parent");
  if (!facts.isMoved && commit.data.parents[0]?.sha !== facts.baseBefore) {
    found.push("what landed is not on the base that stood");
  }
  if (!facts.isMoved && host.base !== headSha) found.push("the base is not what landed");
  const { data: statuses } = await suite.operator.rest.repos.listCommitStatusesForRef({
    ...at,
    ref: headSha,
  });
  const verdicts = statuses.filter(({ context }) => context === "jarvis/sandbox").length;
  if (verdicts !== 1) found.push(`${verdicts} statuses jarvis/sandbox`);
  return found;
}
