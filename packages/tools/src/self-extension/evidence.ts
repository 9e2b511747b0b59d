import { z } from "zod";
import { approval, digest, gitSha } from "./lifecycle-payloads.ts";
import { stageDiagnostics } from "./run-result.ts";

/** What verification recorded about a tree. Stored as a blob; its digest is what the ledger holds. */
export const evidence = z.object({
  version: z.literal(1),
  runId: z.string(),
  attempt: z.number().int(),
  baseSha: gitSha,
  baseTree: gitSha,
  treeSha: gitSha,
  configDigest: digest,
  lockfileDigest: digest.nullable(),
  nodeVersion: z.string(),
  sandbox: z.object({ tier: z.string(), version: z.string() }),
  stages: z.array(stageDiagnostics),
  releaseDigest: digest.nullable(),
  testEvidence: z.enum(["black-box", "in-process", "none"]),
  verdict: z.enum(["passed", "failed", "error"]),
  /** What a person let pass before; evidence from before that could be has none. */
  approval: approval.nullable().default(null),
  createdAt: z.string(),
});
export type Evidence = z.infer<typeof evidence>;
