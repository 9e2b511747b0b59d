import type { Sha } from "../git/names.ts";
import type { PullDocument } from "../state/documents.ts";

/** How the world of an open pull request looks now. */
export interface PullFacts {
  /** The branches' tips; undefined when a branch is gone. */
  head: Sha | undefined;
  base: Sha | undefined;
  /** Whether the base contains the newest known head. */
  headInBase: boolean;
  /** Whether the base as last seen already contained the newest head. */
  headInSeenBase: boolean;
  /** Whether the base contains the commit that an announced merge was about to land. */
  landed: boolean;
  now: string;
  /** Who made the change that is being followed; undefined when it is found later. */
  actor: string | undefined;
}

/**
 * What an open pull request becomes once its branches moved; the same document when nothing changed.
 *
 * Everything here is derived from refs. A crash between moving a branch and writing down what that
 * means is therefore healed by deciding again.
 */
export function followBranches(pull: PullDocument, facts: PullFacts): PullDocument {
  if (pull.state !== "open") return pull;
  if (pull.landing !== null) {
    if (!facts.landed) return followBranches({ ...pull, landing: null }, facts);
    return merged(pull, pull.landing.to, pull.landing.at, pull.landing.by);
  }
  const head = facts.head ?? pull.headSha;
  const moved = head !== pull.headSha;
  const current = moved
    ? { ...pull, headSha: head, baseSha: facts.base ?? pull.baseSha, updatedAt: facts.now }
    : pull;
  if (facts.base === undefined) return closed(current, facts.now);
  // A head that was reset to what the base already had brings nothing: closed, and nothing merged.
  if (moved && facts.headInSeenBase) return closed(current, facts.now);
  if (facts.headInBase) return merged(current, head, facts.now, facts.actor ?? null);
  if (facts.head === undefined) return closed(current, facts.now);
  return facts.base === current.baseSeen ? current : { ...current, baseSeen: facts.base };
}

export function merged(
  pull: PullDocument,
  commit: Sha,
  at: string,
  by: string | null,
): PullDocument {
  return {
    ...pull,
    state: "closed",
    updatedAt: at,
    closedAt: at,
    mergedAt: at,
    mergedBy: by,
    mergeCommitSha: commit,
    landing: null,
  };
}

function closed(pull: PullDocument, at: string): PullDocument {
  return { ...pull, state: "closed", updatedAt: at, closedAt: at };
}
