import { actionAuditLog, selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { LedgerError, readTreeHead, type Sealer } from "@jarvis/ledger";
import { and, desc, eq, sql } from "drizzle-orm";
import { SelfExtensionError } from "./errors.ts";
import type { Refusal } from "./proposal.ts";

/** The trailer of a commit that lands: size, root and ledger of a checkpoint over its verdict. */
export const ANCHOR_TRAILER = "Jarvis-Ledger-Checkpoint";

/** The sealer, as far as promotion needs it. */
export interface LedgerSeal extends Pick<Sealer, "cover" | "signer"> {
  /** Why nothing new may be promoted while the ledger is as it is; null where it is as it was sealed. */
  problem(): Refusal | null;
}

/**
 * Size, root and ledger of the first checkpoint over the verdict of `evidenceDigest`: the same for ever, so
 * that a repetition makes the same commit. Waits until there is one.
 * @throws LedgerError `not-sealed`
 */
export async function anchorOfVerdict(
  world: { readonly db: JarvisDatabase; readonly ledger: LedgerSeal },
  runId: string,
  evidenceDigest: string,
): Promise<string> {
  const [tested] = await world.db
    .select({ id: selfExtensionEvents.id })
    .from(selfExtensionEvents)
    .where(
      and(
        eq(selfExtensionEvents.runId, runId),
        eq(selfExtensionEvents.eventType, "tested"),
        sql`${selfExtensionEvents.payload} ->> 'evidenceDigest' = ${evidenceDigest}`,
      ),
    )
    .orderBy(selfExtensionEvents.seq)
    .limit(1);
  if (tested === undefined) {
    throw new SelfExtensionError(
      "evidence-mismatch",
      `run ${runId} has no verdict with the evidence ${evidenceDigest}`,
    );
  }
  const { note } = await world.ledger.cover({ ledger: "self_extension_events", id: tested.id });
  const { size, root, origin } = readTreeHead(note);
  return `${size} ${root.toString("base64")} ${origin}`;
}

/** What lets a run land: the action, and the record of the ledger that names its attestation. */
export interface PromotionRecords {
  readonly actionId: number | null;
  readonly attestationId: number;
}

/**
 * Waits until everything that was recorded about a run is sealed, and about its promotion where one
 * is under way. A refusal where it is not in time.
 */
export async function requireSealed(
  world: { readonly db: JarvisDatabase; readonly ledger: LedgerSeal },
  runId: string,
  promotion?: PromotionRecords,
): Promise<Refusal | null> {
  const [event] = await world.db
    .select({ id: selfExtensionEvents.id })
    .from(selfExtensionEvents)
    .where(eq(selfExtensionEvents.runId, runId))
    .orderBy(desc(selfExtensionEvents.seq))
    .limit(1);
  const [action] =
    promotion?.actionId == null
      ? []
      : await world.db
          .select({ id: actionAuditLog.id })
          .from(actionAuditLog)
          .where(eq(actionAuditLog.proposalId, promotion.actionId))
          .orderBy(desc(actionAuditLog.id))
          .limit(1);
  try {
    if (event !== undefined) {
      await world.ledger.cover({ ledger: "self_extension_events", id: event.id });
    }
    if (action !== undefined) {
      await world.ledger.cover({ ledger: "action_audit_log", id: action.id });
    }
    if (promotion !== undefined) {
      await world.ledger.cover({ ledger: "ledger_records", id: promotion.attestationId });
    }
    return null;
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return { reason: "ledger-unsealed", detail: error.message };
  }
}
