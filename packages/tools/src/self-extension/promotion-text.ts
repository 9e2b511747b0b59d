import { createHash } from "node:crypto";
import type { Attestation } from "./attest-promotion.ts";
import { ANCHOR_TRAILER } from "./ledger-seal.ts";
import type { Staged } from "./staged-change.ts";
import { fencedBlock, inertLine } from "./text-fence.ts";
import type { Verified } from "./verification.ts";

/** The branch of a run's change: the same context and tree always give the same name. */
export function branchNameOf(change: Staged): string {
  const { runId, goalId, cycleId, toolName } = change.context;
  const id = createHash("sha256")
    .update(JSON.stringify([runId, goalId, cycleId, toolName, change.baseSha, change.treeSha]))
    .digest("hex")
    .slice(0, 16);
  const words = change.title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return `jarvis/${words === "" ? "change" : words}-${id}`;
}

/** The message of the commit that lands. The trailers are for machines and come last. */
export function promotionMessage(
  verified: Pick<Verified, "change" | "evidenceDigest"> & {
    /** A checkpoint of the ledger: `<size> <base64 of its root> <origin>`. */
    readonly anchor: string;
  },
): string {
  const { change, evidenceDigest, anchor } = verified;
  const { context } = change;
  const trailers = [
    ["Jarvis-Run", change.runId],
    ["Jarvis-Goal", context.goalId],
    ["Jarvis-Cycle", context.cycleId],
    ["Jarvis-Sub-Goal", context.subGoalId],
    ["Jarvis-Tool", context.toolName],
    ["Jarvis-Base", change.baseSha],
    ["Jarvis-Tree", change.treeSha],
    ["Jarvis-Evidence", evidenceDigest],
  ].flatMap(([key, value]) => (value == null ? [] : [`${key}: ${trailerValue(value)}`]));
  // Made by the sealer and of no other letters than its form has.
  trailers.push(`${ANCHOR_TRAILER}: ${anchor}`);
  return `${inertLine(change.title)}\n\n${trailers.join("\n")}\n`;
}

/** Identifiers from outside become one word, so that a value can neither begin nor continue a trailer. */
function trailerValue(value: string): string {
  return value.replaceAll(/[^A-Za-z0-9._:-]+/g, "-").slice(0, 200);
}

/** What the status on the commit says: it names the evidence, so that it counts for no other. */
export function evidenceDescription({ evidenceDigest }: Pick<Verified, "evidenceDigest">): string {
  return `Verified in the sandbox; evidence ${evidenceDigest}`;
}

export function pullRequestText(
  verified: Verified,
  attestation: Attestation,
): { title: string; body: string } {
  const { change, evidence, evidenceDigest } = verified;
  const rows = evidence.stages.map(
    (stage) => `| ${stage.name.replaceAll("|", " ")} | ${stage.status} | ${stage.durationMs} ms |`,
  );
  const body = [
    "Jarvis proposes this change to its own source and has verified it in the sandbox.",
    "",
    ...(change.goal === null ? [] : ["Goal, as it was given:", "", fencedBlock(change.goal), ""]),
    "| Stage | Result | Duration |",
    "|---|---|---|",
    ...rows,
    "",
    `- Run: \`${change.runId}\``,
    `- Base: \`${change.baseSha}\``,
    `- Tree: \`${change.treeSha}\``,
    `- Release: \`${evidence.releaseDigest}\``,
    `- Evidence: \`${evidenceDigest}\` (test evidence: ${evidence.testEvidence})`,
    `- Sandbox: ${evidence.sandbox.tier}, ${evidence.sandbox.version}`,
    `- Attestation: \`${attestation.digest}\`, sealed in the ledger as record ${attestation.recordId}: \`jarvis ledger prove records:${attestation.recordId}\` writes it with its proof, \`jarvis ledger check\` verifies that against a clone`,
  ];
  return { title: inertLine(change.title), body: body.join("\n") };
}
