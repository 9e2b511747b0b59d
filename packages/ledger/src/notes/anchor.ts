import { readTreeHead } from "./checkpoint.ts";

/** A checkpoint that was seen outside of the database, and where. */
export interface Anchor {
  readonly size: number;
  /** Standard base64, as in a checkpoint. */
  readonly root: string;
  /** Which ledger it is of; null where that is not said. A repository may carry those of others. */
  readonly origin: string | null;
  readonly where: string;
  /** Seen by this state directory itself: its database cannot be another ledger's. */
  readonly isOwn?: boolean;
}

/** Whether a checkpoint may be of the ledger of that name; null for one that has no key yet. */
export function isOfLedger(anchor: Pick<Anchor, "origin">, name: string | null): boolean {
  return name === null || anchor.origin === null || anchor.origin === name;
}

/**
 * The anchor that a checkpoint is, whose signature is not looked at.
 * @throws LedgerError `malformed-note`
 */
export function anchorIn(note: string, where: string): Anchor & { readonly origin: string } {
  const { size, root, origin } = readTreeHead(note);
  return { size, root: root.toString("base64"), origin, where };
}
