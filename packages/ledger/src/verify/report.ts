import type { SealedLedger } from "../rows/leaf.ts";

/** What a divergence looks like, with what it means. A closed set: scripts branch on these words. */
export const attackMeanings = {
  "event-changed": "A row is not what was sealed: somebody changed it, or a column of its table.",
  "event-removed": "A row that was sealed is gone.",
  "event-inserted": "A row stands among sealed ones and never was sealed: it was slipped in later.",
  "event-duplicated": "Several rows have the id of one sealed row.",
  "events-reordered": "Leaves of one ledger do not stand in the order of its ids.",
  "event-hidden": "An index leaves rows out: who reads by it does not see them, until REINDEX.",
  "leaf-inserted": "There are leaves beside those of the tree.",
  "leaf-removed": "Leaves of the tree are missing, or numbered with a gap.",
  "tree-rewritten":
    "Rows and leaves agree with each other and not with what was signed: both were rewritten.",
  "node-changed": "A stored hash of the tree is not that of its leaves.",
  "checkpoint-forged": "A checkpoint is not signed by a key of the ledger, or says something else.",
  "leaves-unsigned":
    "There are leaves that no checkpoint covers: one was removed, or they were added.",
  "table-disguised":
    "A table of the ledger is no plain table any more: what it shows may depend on who asks.",
  "key-forged": "The keys of the ledger cannot be read.",
  "history-forked":
    "A checkpoint that was seen outside of the database belongs to another history; where that was a restore, see `jarvis recover`.",
  "ledger-truncated":
    "A checkpoint that was seen outside of the database covers more events; where that was a restore, see `jarvis recover`.",
} as const;

export type Attack = keyof typeof attackMeanings;

/** One place where the ledger is not what was sealed. */
export interface Divergence {
  readonly attack: Attack;
  /** The first leaf it can be about; null where it is about no leaf. */
  readonly leafIndex: number | null;
  readonly ledger: SealedLedger | null;
  readonly eventId: number | null;
  readonly detail: string;
  /** What the word of the attack says, for people. */
  readonly meaning: string;
}

/** Not proof of an attack, and still for a person to read. */
export interface Remark {
  readonly code:
    | "key-unvouched"
    | "events-unsealed"
    | "not-anchored"
    | "other-ledger"
    | "history-abandoned";
  readonly detail: string;
}

export interface VerificationReport {
  /** No divergence. Remarks do not count. */
  readonly ok: boolean;
  readonly size: number;
  readonly checkpoints: number;
  /** The newest checkpoint that is signed and has the root of its leaves; null where there is none. */
  readonly checkpoint: { readonly size: number; readonly root: string } | null;
  readonly anchors: number;
  readonly unsealed: number;
  /** In the order of the events they are about; the first is the first divergent event. */
  readonly divergences: readonly Divergence[];
  readonly remarks: readonly Remark[];
  readonly durationMs: number;
}
