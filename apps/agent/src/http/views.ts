import { readAgentState, type JarvisDatabase } from "@jarvis/db";
import { readSafetyState, type SafetyReading } from "@jarvis/operator-core";
import { checkSandbox } from "@jarvis/sandbox";
import {
  getPromotionControlState,
  lastSeenBase,
  openRuns,
  readStanding,
  wayOut,
  type LifecycleEvent,
  type ShownEvent,
  type RunState,
} from "@jarvis/tools/self-extension";
import type { Kernel } from "../kernel/kernel.ts";
import type { LedgerStatus } from "../kernel/ledger/ledger-keeper.ts";
import type { Standby } from "../kernel/leadership/standby-kernel.ts";
import { standbyParts } from "./standby.ts";

// How the API shows what the kernel knows.

export async function readStatus(
  kernel: Kernel,
  options: { readonly places: { readonly pageUrl: string }; readonly startedAt: Date },
  standby: Standby | null = null,
) {
  const { db } = kernel.database;
  const parts = standby === null ? await leadingParts(kernel) : await standbyParts(standby);
  const sandbox = await checkSandbox();
  const safety = await readSafetyState(db);
  return {
    wayOut: parts.wayOut,
    room: parts.room,
    holds: parts.holds,
    kernel: {
      pid: process.pid,
      url: options.places.pageUrl,
      startedAt: options.startedAt.toISOString(),
      ...parts.move,
      role: parts.role,
      leader: parts.leader,
    },
    repository: {
      directory: kernel.repository.directory,
      head: kernel.repository.head,
      branch: kernel.repository.branch,
      uncommitted: [...kernel.repository.uncommitted],
    },
    promotion: await getPromotionControlState(db),
    safety: describeSafety(safety),
    base: { branch: parts.branch, lastSeen: await lastSeenBase(db) },
    serving: parts.serving,
    baseline: await baselineSha(db),
    body: parts.body,
    openRuns: (await openRuns(db)).map((state) => summary(kernel, state)),
    sandbox: sandbox.available
      ? { available: true, tier: sandbox.tier, message: null }
      : { available: false, tier: null, message: sandbox.message },
    database: {
      server: kernel.database.server,
      ledger:
        kernel.database.ledgerGuard === "enforced"
          ? "append-only"
          : "append-only: detected, not enforced",
      guard: kernel.database.ledgerGuard,
      mendSql: kernel.database.ledgerGuardSql,
    },
    ledger: parts.ledger,
    host: parts.host,
    lastProblem: kernel.progress.lastProblem,
  };
}

function describeSafety(safety: SafetyReading) {
  const { mode } = safety;
  if (!safety.trusted) {
    return { mode, reason: safety.problem, killSwitch: false, updatedBy: null, updatedAt: null };
  }
  const { reason, killSwitch = false, updatedBy, updatedAt } = safety;
  return { mode, reason, killSwitch, updatedBy, updatedAt };
}

/** What a kernel that leads knows at first hand. */
async function leadingParts({ connection, serving, promotions, world, move, ledger }: Kernel) {
  const { kind, webUrl, cloneUrl, target } = connection;
  const standing = await readStanding(world, serving.problem);
  return {
    role: "leads" as const,
    leader: null,
    wayOut: wayOut(standing),
    room: standing.room,
    holds: standing.holds.map(({ id, kind: what, title }) => ({ id, kind: what, title })),
    move: move.describe(),
    branch: target.baseBranch,
    serving: serving.life?.serving?.facts.sha ?? null,
    body: describeBody(serving),
    host: { kind, webUrl, cloneUrl, fence: promotions.fence },
    ledger: describeLedger(ledger.status()),
  };
}

function describeLedger(ledger: LedgerStatus) {
  const { size, problem, verified, verifyingSince, pushed, pushProblem } = ledger;
  return {
    size,
    problem,
    verifiedAt: verified?.endedAt ?? null,
    verifyingSince,
    pushedSize: pushed?.size ?? null,
    pushProblem,
  };
}

/** What changes without a row in a ledger. */
export function glance({ progress, serving, ledger }: Kernel): unknown {
  const { problem, verified, verifyingSince, pushProblem } = ledger.status();
  const sealing = [problem, verified?.endedAt, verifyingSince, pushProblem];
  return [progress.all(), progress.lastProblem, describeBody(serving), sealing];
}

/** What runs, and how its window stands; null where the base names no body. */
function describeBody({ life, problem }: Kernel["serving"]) {
  if (life === null) return null;
  const { serving, candidate } = life;
  const verdict = candidate?.watched.verdict;
  return {
    state: serving?.keeper.state ?? ("preparing" as const),
    tools: (serving?.keeper.tools ?? []).map(({ name }) => name),
    releaseDigest: serving?.facts.releaseDigest ?? null,
    earlier: [...life.earlier],
    window:
      candidate === null || verdict === undefined
        ? null
        : {
            runId: candidate.runId,
            verdict: verdict.verdict,
            reasons: [...verdict.reasons],
            exposures: verdict.exposures,
            errors: verdict.errors,
          },
    problem: problem ?? serving?.keeper.problem ?? null,
  };
}

/** The blessed commit that the database knows of. */
export async function baselineSha(db: JarvisDatabase): Promise<string | null> {
  const value = (await readAgentState(db, "self_extension:known_good_baseline"))?.value;
  if (typeof value !== "object" || value === null || !("sha" in value)) return null;
  return typeof value.sha === "string" ? value.sha : null;
}

export function summary(kernel: Kernel, state: RunState) {
  return {
    runId: state.runId,
    status: state.status,
    attempt: state.attempt,
    title: state.title,
    blockReasons: [...state.blockReasons],
    pullRequestUrl: state.pullRequestUrl,
    mergeSha: state.mergeSha,
    startedAt: state.startedAt,
    updatedAt: state.updatedAt,
    endedAt: state.endedAt,
    progress: kernel.progress.of(state.runId),
  };
}

export function plain(event: ShownEvent): PlainEvent {
  return { ...event, context: { ...event.context }, payload: { ...event.payload } };
}

export interface PlainEvent {
  id: string;
  runId: string;
  correlationId: string;
  seq: number;
  type: LifecycleEvent["type"];
  stage: string;
  context: Record<string, unknown>;
  payload: Record<string, unknown>;
  createdAt: string;
}
