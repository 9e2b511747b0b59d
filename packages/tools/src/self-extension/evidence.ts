import { sandboxTiers } from "@jarvis/sandbox";
import { z } from "zod";
import { approval, digest, gitSha } from "./lifecycle-payloads.ts";
import { stageDiagnostics } from "./run-result.ts";
import { testEvidences } from "./stage-words.ts";

/**
 * What verification recorded about a tree. Stored as a blob; its digest is what the ledger holds.
 * Evidence with a word of another version cannot be read: it is shown as none, and promotes nothing.
 */
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
  sandbox: z.object({ tier: z.enum(sandboxTiers), version: z.string() }),
  stages: z.array(stageDiagnostics),
  releaseDigest: digest.nullable(),
  testEvidence: z.enum(testEvidences),
  verdict: z.enum(["passed", "failed", "error"]),
  /** What a person let pass before; evidence from before that could be has none. */
  approval: approval.nullable().default(null),
  createdAt: z.string(),
});
export type Evidence = z.infer<typeof evidence>;
