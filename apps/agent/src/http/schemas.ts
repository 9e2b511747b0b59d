import { z } from "@hono/zod-openapi";
import { ledgerGuards } from "@jarvis/db";
import { sandboxTiers } from "@jarvis/sandbox";
import {
  blockReasons,
  fenceStates,
  healthReasons,
  lifecycleEventTypes,
  pauseAnswer as answerOfPause,
  runResult,
  runStatuses,
  wayOutStates,
} from "@jarvis/tools/self-extension";
import { bodyStates } from "../kernel/body/keeper.ts";

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
    type: z.enum(lifecycleEventTypes),
    stage: z.string(),
    context: z.record(z.string(), z.unknown()),
    payload: z.record(z.string(), z.unknown()),
    createdAt: z.string(),
  })
  .openapi("Event");

export const run = z
  .object({
    runId: z.string(),
    status: z.enum(runStatuses),
    attempt: z.number().int().describe("How many times it was begun: a parked run begins again."),
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

const count = z.number().int().nonnegative();

export const spent = z
  .object({
    inputTokens: count,
    outputTokens: count,
    microUsd: count.describe("In millionths of a dollar."),
    steps: count.describe("Answers of a model."),
    durationMs: count.describe("How long models took, in milliseconds."),
  })
  .openapi("Spent");

export const runDetail = z
  .object({
    run,
    result: runResult,
    events: z.array(event),
    /** What a model was asked for it; null for a change that no goal led to. */
    cost: z.object({ goalId: z.string(), attempt: z.number().int(), spent }).nullable(),
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

export const pauseAnswer = z.object(answerOfPause.shape).openapi("PauseAnswer");

export const killAnswer = z
  .object({
    cancelledCount: z.number().int(),
    stopped: z.array(
      z.object({
        kind: z.enum(["action", "sandbox", "body", "process"]),
        name: z.string(),
        id: z.number().int().nullable(),
        runId: z.string().nullable(),
        was: z.enum(["pending", "running"]),
      }),
    ),
  })
  .openapi("KillAnswer");

const body = z
  .object({
    state: z.enum([...bodyStates, "preparing"]),
    tools: z.array(z.string()),
    releaseDigest: z.string().nullable(),
    earlier: z.array(z.string()),
    window: z
      .object({
        runId: z.string(),
        verdict: z.enum(["healthy", "degraded", "undecided"]),
        reasons: z.array(z.enum(healthReasons)),
        exposures: z.number().int().describe("Answers that counted."),
        errors: z.number().int().describe("Those of them that were wrong, late or missing."),
      })
      .nullable(),
    problem: z.string().nullable(),
  })
  .nullable()
  .openapi("Body");

export const status = z
  .object({
    /** The one thing to do next, whatever the state. */
    wayOut: z.object({
      state: z.enum([...wayOutStates, "standby"]),
      because: z.string(),
      command: z.string().nullable(),
    }),
    room: z.object({ level: z.enum(["enough", "low", "short"]), detail: z.string() }),
    holds: z.array(
      z.object({ id: z.string(), kind: z.enum(["change", "goal", "base"]), title: z.string() }),
    ),
    kernel: z.object({
      pid: z.number().int(),
      url: z.string(),
      startedAt: z.string(),
      /** Null for the program that Jarvis was started with. */
      release: z.object({ sha: z.string(), releaseDigest: z.string() }).nullable(),
      /** It begins nothing any more; the next release takes over. */
      moving: z.boolean(),
      /** Blessed releases that did not come up as the kernel. */
      leftOut: z.array(z.object({ sha: z.string(), why: z.string() })),
      /** On a database that several kernels share one leads; the others wait. */
      role: z.enum(["leads", "standby"]),
      /** Who leads, where it is not this kernel and known. */
      leader: z
        .object({ host: z.string(), pid: z.number().int(), url: z.string().nullable() })
        .nullable(),
    }),
    repository: z.object({
      directory: z.string(),
      head: z.string(),
      branch: z.string().nullable(),
      uncommitted: z.array(z.string()),
    }),
    promotion: promotionControl,
    safety: z.object({
      mode: z.enum(["observe", "execute"]),
      reason: z.string(),
      /** Whether the kill switch was pressed and no mode set since: then nothing is even tested. */
      killSwitch: z.boolean(),
      /** Null where the switch cannot be read. */
      updatedBy: z.string().nullable(),
      updatedAt: z.string().nullable(),
    }),
    base: z.object({ branch: z.string(), lastSeen: z.string().nullable() }),
    serving: z.string().nullable(),
    baseline: z.string().nullable(),
    /** Null where the base names no body. */
    body,
    openRuns: z.array(run),
    sandbox: z.object({
      available: z.boolean(),
      tier: z.enum(sandboxTiers).nullable(),
      message: z.string().nullable(),
    }),
    database: z.object({
      server: z.enum(["embedded", "external"]),
      ledger: z.string().describe("`guard` as words for a person."),
      guard: z.enum(ledgerGuards).describe("What keeps rows of the ledger from being changed."),
      mendSql: z
        .string()
        .nullable()
        .describe("What a superuser runs once to have it `enforced`; null where it is."),
    }),
    ledger: z.object({
      size: z.number().nullable(),
      problem: z.object({ reason: z.string(), detail: z.string() }).nullable(),
      verifiedAt: z.string().nullable(),
      verifyingSince: z.string().nullable(),
      pushedSize: z.number().nullable(),
      /** Why the last push of a checkpoint to the repository host failed; null where it did not. */
      pushProblem: z.string().nullable(),
    }),
    host: z.object({
      kind: z.enum(["github", "forge"]),
      webUrl: z.string(),
      cloneUrl: z.string(),
      fence: z
        .enum(fenceStates)
        .describe("Whether the host itself refuses what was not let through."),
    }),
    lastProblem: z.string().nullable(),
  })
  .openapi("Status");

// Not `nullable()`, which would make every event of the published description nullable.
const eventOrNull = z.union([event, z.null()]);

export const selfExtension = z
  .object({
    paused: z.boolean(),
    promotion: promotionControl,
    lastEvent: eventOrNull,
    lastPromotion: eventOrNull,
    lastVerification: eventOrNull,
    lastRollback: eventOrNull,
  })
  .openapi("SelfExtension");
