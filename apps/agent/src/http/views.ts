import { readAgentState } from "@jarvis/db";
import { readSafetyState } from "@jarvis/operator-core";
import { checkSandbox } from "@jarvis/sandbox";
import {
  getPromotionControlState,
  lastSeenBase,
  openRuns,
  type LifecycleEvent,
  type RunState,
} from "@jarvis/tools/self-extension";
import type { Kernel } from "../kernel/kernel.ts";

// How the API shows what the kernel knows.

export async function readStatus(
  kernel: Kernel,
  options: { readonly port: () => number; readonly startedAt: Date },
) {
  const { db } = kernel.database;
  const sandbox = await checkSandbox();
  const safety = await readSafetyState(db);
  const baseline = await readAgentState(db, "self_extension:known_good_baseline");
  return {
    kernel: {
      pid: process.pid,
      url: `http://127.0.0.1:${options.port()}`,
      startedAt: options.startedAt.toISOString(),
    },
    repository: {
      directory: kernel.repository.directory,
      head: kernel.repository.head,
      branch: kernel.repository.branch,
      uncommitted: [...kernel.repository.uncommitted],
    },
    promotion: await getPromotionControlState(db),
    safety: { mode: safety.mode, reason: safety.trusted ? safety.reason : safety.problem },
    base: { branch: kernel.connection.target.baseBranch, lastSeen: await lastSeenBase(db) },
    serving: kernel.serving.life?.serving?.facts.sha ?? null,
    baseline: baselineSha(baseline?.value),
    body: describeBody(kernel.serving),
    openRuns: (await openRuns(db)).map((state) => summary(kernel, state)),
    sandbox: sandbox.available
      ? { available: true, tier: sandbox.tier, message: null }
      : { available: false, tier: null, message: sandbox.message },
    database: {
      server: kernel.database.server,
      ledger:
        kernel.database.ledgerGuard === "enforced" ? "append-only" : kernel.database.ledgerGuard,
      mendSql: kernel.database.ledgerGuardSql,
    },
    host: {
      kind: kernel.connection.kind,
      webUrl: kernel.connection.webUrl,
      cloneUrl: kernel.connection.cloneUrl,
      fence: "none",
    },
    lastProblem: kernel.progress.lastProblem,
  };
}

/** What runs, and how its window stands; null where the base names no body. */
function describeBody({ life, problem }: Kernel["serving"]) {
  if (life === null) return null;
  const { serving, candidate } = life;
  const verdict = candidate?.watched.verdict;
  return {
    state: serving?.keeper.state ?? "preparing",
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
    problem,
  };
}

function baselineSha(value: unknown): string | null {
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

export function plain(event: LifecycleEvent): PlainEvent {
  return { ...event, context: { ...event.context }, payload: { ...event.payload } };
}

export interface PlainEvent {
  id: string;
  runId: string;
  correlationId: string;
  seq: number;
  type: string;
  stage: string;
  context: Record<string, unknown>;
  payload: Record<string, unknown>;
  createdAt: string;
}
