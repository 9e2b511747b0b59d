import { z } from "zod";
import { blockReasons } from "./block-reasons.ts";

export const gitSha = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, "expected a full git SHA");
export const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "expected sha256:<64 hex digits>");

const reasons = z.array(z.enum(blockReasons));

export const stageSummary = z.object({
  name: z.string(),
  status: z.enum(["passed", "failed", "error", "not-run"]),
  durationMs: z.number().int().nonnegative(),
  category: z.string().nullable(),
  reason: z.string().nullable(),
});

/** Who vouches for a tree: verification, a person, or set-up for the very first base. */
export const attestation = z.enum(["verified", "accepted", "set-up"]);

/**
 * The payload of every lifecycle event type. `proposed` to `promotion_pause_changed` are written
 * today; the health-window and rollback types are in the ledger's closed set of types and get their
 * payloads with the code that writes them.
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
  }),
  tested: z.object({
    attempt: z.number().int().positive(),
    attestation,
    passed: z.boolean(),
    baseSha: gitSha.nullable(),
    treeSha: gitSha,
    evidenceDigest: digest.nullable(),
    releaseDigest: digest.nullable(),
    testEvidence: z.enum(["black-box", "in-process", "none"]),
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
  }),
} as const;

export type LifecycleEventType = keyof typeof lifecyclePayloads;
export type LifecyclePayload<T extends LifecycleEventType> = z.infer<(typeof lifecyclePayloads)[T]>;
