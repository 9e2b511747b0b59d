import type { Frontier } from "../merkle/frontier.ts";
import type { StoredCheckpoint } from "../store/tree-store.ts";

/** What is sealed, and from where to go on. */
export interface SealedTree {
  readonly frontier: Frontier;
  readonly checkpoint: StoredCheckpoint | null;
}

/** At a start only the checkpoint is known, from the state directory. */
export type KnownTree = SealedTree | { readonly checkpoint: StoredCheckpoint };
