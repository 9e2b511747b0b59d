import { pauseAnswer, runResult } from "@jarvis/tools/answers";
import { z } from "zod";
import { cost } from "./goal-wire.ts";

// What the kernel's API answers, as far as the command line reads it.

export const run = z.object({
  runId: z.string(),
  status: z.string(),
  attempt: z.number(),
  title: z.string().nullable(),
  blockReasons: z.array(z.string()),
  pullRequestUrl: z.string().nullable(),
  mergeSha: z.string().nullable(),
  startedAt: z.string().nullable(),
  updatedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  progress: z.object({ what: z.string(), since: z.string() }).nullable(),
});
export type WireRun = z.infer<typeof run>;

export const event = z.object({
  id: z.string(),
  runId: z.string(),
  seq: z.number(),
  type: z.string(),
  stage: z.string(),
  context: z.looseObject({ actor: z.string() }),
  payload: z.record(z.string(), z.unknown()),
  createdAt: z.string(),
});
export type WireEvent = z.infer<typeof event>;

export const runDetail = z.object({
  run,
  result: runResult,
  events: z.array(event),
  /** Missing where the database was asked and no kernel. */
  cost: cost.optional(),
});
export const runList = z.object({ runs: z.array(run) });
export const eventList = z.object({ events: z.array(event) });
export const accepted = z.object({ runId: z.string() });
// An earlier kernel says less.
export const paused = pauseAnswer.extend({
  drained: pauseAnswer.shape.drained.default([]),
  unresolved: pauseAnswer.shape.unresolved.default([]),
  reverts: pauseAnswer.shape.reverts.default([]),
  fence: pauseAnswer.shape.fence.default("unknown"),
});
export const mode = z.object({ mode: z.enum(["observe", "execute"]) });
export const killed = z.object({
  cancelledCount: z.number(),
  // An earlier kernel says how many and not which.
  stopped: z
    .array(
      z.object({
        kind: z.string(),
        name: z.string(),
        id: z.number().nullable(),
        runId: z.string().nullable(),
        was: z.string(),
      }),
    )
    .default([]),
});
export const rolledBack = z.object({ fromSha: z.string(), toSha: z.string() });
export const hold = z.object({
  runId: z.string(),
  kind: z.string(),
  title: z.string(),
  since: z.string(),
});
export const holdList = z.object({ holds: z.array(hold) });
export const hostReport = z.object({
  repository: z.string(),
  account: z.string(),
  permissions: z.array(z.string()),
  protection: z.object({
    standing: z.string(),
    contexts: z.array(z.string()),
    strict: z.boolean(),
    // A kernel that does not know of rulesets says nothing of them.
    obstacles: z
      .array(
        z.object({ branch: z.string(), rule: z.string(), ruleset: z.string(), why: z.string() }),
      )
      .nullable()
      .default(null),
  }),
  workflows: z
    .array(z.object({ path: z.string(), events: z.array(z.string()), seesSecrets: z.boolean() }))
    .nullable(),
  ownership: z.string(),
  identityProblem: z.string().nullable(),
});
export type HostReport = z.infer<typeof hostReport>;
export const takenOver = z.object({
  repositoryId: z.number(),
  baseBranch: z.string(),
  before: z.string().nullable(),
  restartNeeded: z.boolean(),
});
export const lifted = z.object({ runId: z.string() });
export const sessionList = z.object({
  sessions: z.array(z.object({ sessionId: z.string(), reason: z.string(), since: z.string() })),
});
export const released = z.object({ sessionId: z.string() });
export const called = z.object({ output: z.unknown() });
export const attested = z.object({ sha: z.string(), treeSha: z.string() });

export const recovered = z.object({ recordId: z.number(), from: z.number(), to: z.number() });

export const status = z.looseObject({
  wayOut: z.object({ state: z.string(), because: z.string(), command: z.string().nullable() }),
  room: z.object({ level: z.string(), detail: z.string() }),
  holds: z.array(z.object({ id: z.string(), kind: z.string(), title: z.string() })),
  kernel: z.object({
    pid: z.number(),
    url: z.string(),
    startedAt: z.string(),
    // A kernel of an older release does not say them.
    release: z.object({ sha: z.string(), releaseDigest: z.string() }).nullish(),
    moving: z.boolean().optional(),
    role: z.enum(["leads", "standby"]).optional(),
    leader: z.object({ host: z.string(), pid: z.number(), url: z.string().nullable() }).nullish(),
    leftOut: z.array(z.object({ sha: z.string(), why: z.string() })).optional(),
  }),
  repository: z.looseObject({ directory: z.string(), uncommitted: z.array(z.string()) }),
  promotion: z.object({
    paused: z.boolean(),
    reason: z.string(),
    updatedBy: z.string(),
    updatedAt: z.string(),
  }),
  safety: z.object({
    mode: z.string(),
    reason: z.string(),
    // A kernel of a release before does not say them.
    killSwitch: z.boolean().optional(),
    updatedBy: z.string().nullish(),
    updatedAt: z.string().nullish(),
  }),
  base: z.object({ branch: z.string(), lastSeen: z.string().nullable() }),
  serving: z.string().nullable(),
  baseline: z.string().nullable(),
  body: z
    .object({
      state: z.string(),
      tools: z.array(z.string()),
      earlier: z.array(z.string()),
      window: z
        .object({
          runId: z.string(),
          verdict: z.string(),
          reasons: z.array(z.string()),
          exposures: z.number(),
          errors: z.number(),
        })
        .nullable(),
      problem: z.string().nullable(),
    })
    .nullable(),
  openRuns: z.array(run),
  sandbox: z.object({
    available: z.boolean(),
    tier: z.string().nullable(),
    message: z.string().nullable(),
  }),
  database: z.object({
    server: z.string(),
    ledger: z.string(),
    // A kernel of a release before does not say it.
    guard: z.string().optional(),
    mendSql: z.string().nullable(),
  }),
  ledger: z.object({
    size: z.number().nullable(),
    problem: z.object({ reason: z.string(), detail: z.string() }).nullable(),
    verifiedAt: z.string().nullable(),
    pushedSize: z.number().nullable(),
    // A kernel of a release before does not say it.
    pushProblem: z.string().nullish(),
  }),
  host: z.object({ kind: z.string(), webUrl: z.string(), cloneUrl: z.string(), fence: z.string() }),
  lastProblem: z.string().nullable(),
});
export type WireStatus = z.infer<typeof status>;

export const action = z.object({
  id: z.number(),
  state: z.string(),
  actionName: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  digest: z.string(),
  reason: z.string(),
  effect: z.string(),
  risk: z.string(),
  needsApproval: z.boolean(),
  requestedBy: z.string(),
  approvedBy: z.string().nullable(),
  endReason: z.string().nullable(),
  createdAt: z.string(),
  endedAt: z.string().nullable(),
});
export type WireAction = z.infer<typeof action>;

export const auditEvent = z.object({
  id: z.number(),
  proposalId: z.number().nullable(),
  eventType: z.string(),
  eventData: z.record(z.string(), z.unknown()).nullable(),
  actor: z.string(),
  timestamp: z.string(),
  createdAt: z.string(),
});
export type WireAuditEvent = z.infer<typeof auditEvent>;

export const actionList = z.object({ actions: z.array(action) });
export const actionDetail = z.object({ action, events: z.array(auditEvent) });
export const actionOnly = z.object({ action });
export const auditList = z.object({ events: z.array(auditEvent) });
export const cancelled = z.object({ action, outcome: z.enum(["cancelled", "stopping"]) });
export const approved = z.object({
  action,
  execution: z.object({
    outcome: z.enum(["completed", "failed", "cancelled", "refused"]),
    result: z.unknown(),
    detail: z.string().nullable(),
  }),
});

export const runPatch = z.object({
  /** Null where retention has emptied it. */
  patch: z.string().nullable(),
  bytes: z.number(),
  isCut: z.boolean(),
});

/** What a person lets pass by approving a `release_change`. */
export const releaseParameters = z.looseObject({
  runId: z.string(),
  treeSha: z.string(),
  baseSha: z.string(),
  reasons: z.array(z.string()),
  findings: z.array(z.object({ reason: z.string(), path: z.string(), why: z.string() })),
  addedPackages: z.array(
    z.object({ name: z.string(), version: z.string(), integrity: z.string() }),
  ),
});
