import { runResult } from "@jarvis/tools/self-extension";
import { z } from "zod";

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

export const runDetail = z.object({ run, result: runResult, events: z.array(event) });
export const runList = z.object({ runs: z.array(run) });
export const eventList = z.object({ events: z.array(event) });
export const accepted = z.object({ runId: z.string() });
export const paused = z.object({
  paused: z.boolean(),
  acknowledged: z.boolean(),
  inFlight: z.array(z.string()),
});
export const mode = z.object({ mode: z.enum(["observe", "execute"]) });
export const killed = z.object({ cancelledCount: z.number() });
export const attested = z.object({ sha: z.string(), treeSha: z.string() });

export const status = z.looseObject({
  kernel: z.object({ pid: z.number(), url: z.string(), startedAt: z.string() }),
  repository: z.looseObject({ directory: z.string(), uncommitted: z.array(z.string()) }),
  promotion: z.object({
    paused: z.boolean(),
    reason: z.string(),
    updatedBy: z.string(),
    updatedAt: z.string(),
  }),
  safety: z.object({ mode: z.string(), reason: z.string() }),
  base: z.object({ branch: z.string(), lastSeen: z.string().nullable() }),
  serving: z.string().nullable(),
  baseline: z.string().nullable(),
  openRuns: z.array(run),
  sandbox: z.object({
    available: z.boolean(),
    tier: z.string().nullable(),
    message: z.string().nullable(),
  }),
  database: z.object({ server: z.string(), ledger: z.string(), mendSql: z.string().nullable() }),
  host: z.object({ kind: z.string(), webUrl: z.string(), cloneUrl: z.string(), fence: z.string() }),
  lastProblem: z.string().nullable(),
});
export type WireStatus = z.infer<typeof status>;
