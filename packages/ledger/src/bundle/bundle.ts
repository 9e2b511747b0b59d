import { z } from "zod";
import { sealedLedgerNames } from "../rows/leaf.ts";

const hash = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

/** A leaf with its place and the hashes that lead to the root of the bundle's checkpoint. */
const provedLeaf = z.object({
  /** The canonical text that is hashed; everything that is said of the row is read from it. */
  content: z.string().max(400_000),
  index: z.int().nonnegative(),
  proof: z.array(hash).max(64),
});
export type ProvedLeaf = z.infer<typeof provedLeaf>;

/**
 * Everything that proves one event to somebody with a clone of the repository and nothing else.
 * Made by `proveEvent`, judged by `checkBundle`.
 */
export const bundle = z.object({
  format: z.literal("jarvis-ledger-bundle/1"),
  event: provedLeaf.extend({ ledger: z.enum(sealedLedgerNames), id: z.int() }),
  /** The signed note that the proofs lead to. */
  checkpoint: z.string().max(16_384),
  /** The records of the ledger's keys, oldest first. */
  keys: z.array(provedLeaf).max(1000),
  /** Checkpoints that commits carry, each with the proof that the bundle's goes on from it. */
  anchors: z
    .array(
      z.object({
        size: z.int().positive(),
        root: hash,
        where: z.string(),
        proof: z.array(hash).max(64),
      }),
    )
    .max(1000),
  /** Attestations of the promotion that the event belongs to, each with its record. */
  evidence: z.array(z.object({ record: provedLeaf, attestations: z.string() })).max(20),
});
export type Bundle = z.infer<typeof bundle>;

/** An event as a person names it: `events:12`, `actions:5`, `records:1`; a bare number is `events`. */
export function parseEventName(
  text: string,
): { ledger: (typeof sealedLedgerNames)[number]; id: number } | null {
  const found = /^(?:(events|actions|records):)?([1-9]\d{0,15})$/.exec(text);
  if (found?.[2] === undefined) return null;
  const ledgers = {
    events: "self_extension_events",
    actions: "action_audit_log",
    records: "ledger_records",
  } as const;
  return { ledger: ledgers[(found[1] ?? "events") as keyof typeof ledgers], id: Number(found[2]) };
}
