import { z } from "@hono/zod-openapi";
import { blockReasons, runResult } from "@jarvis/tools/self-extension";

export const problem = z
  .object({
    error: z.object({
      code: z.string().openapi({ example: "invalid-proposal" }),
      message: z.string(),
    }),
  })
  .openapi("Problem");

export const event = z
  .object({
    id: z.string(),
    runId: z.string(),
    correlationId: z.string(),
    seq: z.number().int(),
    type: z.string(),
    stage: z.string(),
    context: z.record(z.string(), z.unknown()),
    payload: z.record(z.string(), z.unknown()),
    createdAt: z.string(),
  })
  .openapi("Event");

export const run = z
  .object({
    runId: z.string(),
    status: z.string(),
    attempt: z.number().int(),
    title: z.string().nullable(),
    blockReasons: z.array(z.enum(blockReasons)),
    pullRequestUrl: z.string().nullable(),
    mergeSha: z.string().nullable(),
    startedAt: z.string().nullable(),
    updatedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    progress: z.object({ what: z.string(), since: z.string() }).nullable(),
  })
  .openapi("Run");

export const runDetail = z
  .object({
    run,
    result: runResult,
    events: z.array(event),
  })
  .openapi("RunDetail");

export const promotionControl = z
  .object({
    paused: z.boolean(),
    reason: z.string(),
    updatedBy: z.string(),
    updatedAt: z.string(),
    problem: z.string().nullable(),
  })
  .openapi("PromotionControl");

const body = z
  .object({
    state: z.string(),
    tools: z.array(z.string()),
    releaseDigest: z.string().nullable(),
    earlier: z.array(z.string()),
    window: z
      .object({
        runId: z.string(),
        verdict: z.enum(["healthy", "degraded", "undecided"]),
        reasons: z.array(z.string()),
        exposures: z.number().int(),
        errors: z.number().int(),
      })
      .nullable(),
    problem: z.string().nullable(),
  })
  .nullable()
  .openapi("Body");

export const status = z
  .object({
    kernel: z.object({ pid: z.number().int(), url: z.string(), startedAt: z.string() }),
    repository: z.object({
      directory: z.string(),
      head: z.string(),
      branch: z.string().nullable(),
      uncommitted: z.array(z.string()),
    }),
    promotion: promotionControl,
    safety: z.object({ mode: z.enum(["observe", "execute"]), reason: z.string() }),
    base: z.object({ branch: z.string(), lastSeen: z.string().nullable() }),
    serving: z.string().nullable(),
    baseline: z.string().nullable(),
    /** Null where the base names no body. */
    body,
    openRuns: z.array(run),
    sandbox: z.object({
      available: z.boolean(),
      tier: z.string().nullable(),
      message: z.string().nullable(),
    }),
    database: z.object({ server: z.string(), ledger: z.string(), mendSql: z.string().nullable() }),
    host: z.object({
      kind: z.enum(["github", "forge"]),
      webUrl: z.string(),
      cloneUrl: z.string(),
      fence: z.string(),
    }),
    lastProblem: z.string().nullable(),
  })
  .openapi("Status");

export const selfExtension = z
  .object({
    paused: z.boolean(),
    promotion: promotionControl,
    lastEvent: event.nullable(),
    lastPromotion: event.nullable(),
    lastVerification: event.nullable(),
    lastRollback: event.nullable(),
  })
  .openapi("SelfExtension");
