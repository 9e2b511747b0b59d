import { z } from "zod";
import { blockReasons, personReasons } from "./block-reasons.ts";
import { healthPayloads } from "./health-payloads.ts";
import { digest, gitSha } from "./ledger-words.ts";
import { stageStatuses, testEvidences } from "./stage-words.ts";

export { digest, gitSha };

const reasons = z.array(z.enum(blockReasons));

/** One stage as a row keeps it. */
export const stageSummary = z.object({
  name: z.string().describe("The stage's name in `jarvis.config.json`."),
  status: z
    .enum(stageStatuses)
    .describe("How it ended; `error` is nobody's verdict: the machine failed."),
  durationMs: z.number().int().nonnegative().describe("How long it took, in milliseconds."),
  // Any word: the verdict of a row that a later version wrote can be read without knowing it.
  category: z.string().nullable(),
  reason: z
    .string()
    .nullable()
    .describe(
      "Why it did not pass, as a sentence, partly in the candidate's words; null if it did.",
    ),
});

/** Who vouches for a tree: verification, a person, or set-up for the very first base. */
export const attestation = z.enum(["verified", "accepted", "set-up"]);

/** What a person let pass, and for which tree; `actionId` is the action that was approved. */
export const approval = z.object({
  actionId: z.number().int().positive(),
  approvedBy: z.string(),
  treeSha: gitSha,
  released: z.array(z.enum(personReasons)).min(1),
});
export type Approval = z.infer<typeof approval>;

/**
 * The payload of every lifecycle event type; those of what was promoted and runs are in
 * `health-payloads.ts`.
 */
export const lifecyclePayloads = {
  proposed: z.object({
    attempt: z.number().int().positive(),
    patchDigest: digest,
    patchBytes: z.number().int().nonnegative(),
    title: z.string().max(200),
    goal: z.string().max(2000).nullable(),
    baseSha: gitSha.nullable(),
    treeSha: gitSha.nullable(),
    stagedSha: gitSha.nullable(),
    changedPaths: z.array(z.string()).max(200),
    approval: approval.nullable().default(null),
  }),
  tested: z.object({
    attempt: z.number().int().positive(),
    attestation,
    passed: z.boolean(),
    baseSha: gitSha.nullable(),
    treeSha: gitSha,
    evidenceDigest: digest.nullable(),
    releaseDigest: digest.nullable(),
    testEvidence: z.enum(testEvidences),
    stages: z.array(stageSummary).max(40),
    reason: z.string().max(2000).nullable(),
  }),
  promotion_blocked: z.object({
    attempt: z.number().int().positive(),
    reasons: reasons.min(1),
    detail: z.string().max(4000),
    /** The host's own words where it refused the landing. */
    mergeError: z.string().max(2000).optional(),
    parked: z.boolean(),
    branchName: z.string().nullable(),
    headSha: gitSha.nullable(),
    pullRequestNumber: z.number().int().positive().nullable(),
    pullRequestUrl: z.string().nullable(),
  }),
  promoted: z.object({
    attempt: z.number().int().positive(),
    baseSha: gitSha,
    treeSha: gitSha,
    headSha: gitSha,
    mergeSha: gitSha,
    branchName: z.string(),
    pullRequestNumber: z.number().int().positive(),
    pullRequestUrl: z.string(),
    evidenceDigest: digest,
    releaseDigest: digest,
  }),
  failed: z.object({
    attempt: z.number().int().positive(),
    category: z.enum(["infrastructure", "internal"]),
    reason: z.string().max(4000),
    code: z.string().nullable(),
  }),
  promotion_pause_changed: z.object({
    paused: z.boolean(),
    reason: z.string(),
    updatedBy: z.string(),
    updatedAt: z.string(),
    previouslyPaused: z.boolean().nullable(),
    /** Of a pause, once it was answered: what was on its way, and what could not be known. */
    acknowledgement: z
      .object({
        acknowledged: z.boolean(),
        fence: z.string(),
        drained: z.array(z.object({ runId: z.string(), outcome: z.string() })).max(20),
        unresolved: z.array(z.object({ runId: z.string(), why: z.string() })).max(20),
      })
      .optional(),
  }),
  ...healthPayloads,
} as const;

export type LifecycleEventType = keyof typeof lifecyclePayloads;
export type LifecyclePayload<T extends LifecycleEventType> = z.infer<(typeof lifecyclePayloads)[T]>;
