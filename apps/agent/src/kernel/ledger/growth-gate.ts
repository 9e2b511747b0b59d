import type { JarvisDatabase } from "@jarvis/db";
import { isKnownHere, seenAhead, seenHere, type Anchor } from "@jarvis/ledger";
import { seenOutside, type CarryingRepository } from "./seen-outside.ts";

/** Why nothing is added to the tree for now. */
interface Wait {
  readonly why: string;
  /** Whether the repository host has to answer first. */
  readonly isForHost: boolean;
}

/** Lets the tree grow once it is known not to be one that was set back. */
export interface GrowthGate {
  /** Null once it may grow. */
  readonly wait: Wait | null;
  /** Reads what was seen of the ledger outside of its database, and decides by it. */
  compare(): Promise<readonly Anchor[]>;
}

const notCompared: Wait = {
  why: "The ledger was not yet compared with the checkpoints in its repository.",
  isForHost: false,
};

/**
 * Once it is open it stays open: what is ahead of a tree that grows here is not its own, and whoever
 * claims that must not keep events from being sealed.
 */
export async function growthGate(
  ledger: { readonly db: JarvisDatabase; readonly stateDirectory: string },
  parts: {
    /** Null until there is one. */
    readonly repository: () => CarryingRepository | null;
    /** What waited is sealed now; must not throw. */
    readonly onOpen: () => Promise<void>;
  },
): Promise<GrowthGate> {
  let wait: Wait | null = notCompared;
  const isKnown = await isKnownHere(ledger).catch(() => false);

  async function waitAfter(seen: {
    readonly anchors: readonly Anchor[];
    readonly unasked: string | null;
  }): Promise<Wait | null> {
    const ahead = await seenAhead(ledger, seen.anchors);
    if (ahead !== null) {
      const why = `The ledger ends before the ${ahead.size} events that ${ahead.where} names.`;
      return { why, isForHost: false };
    }
    if (seen.unasked === null || isKnown) return null;
    const why = `This state directory has not seen the ledger before, and its checkpoints on the repository host cannot be read (${seen.unasked}).`;
    return { why, isForHost: true };
  }

  return {
    get wait() {
      return wait;
    },
    async compare() {
      const repository = parts.repository();
      const seen =
        repository === null
          ? { anchors: seenHere(ledger.stateDirectory), unasked: null }
          : await seenOutside(ledger, repository);
      if (wait === null) return seen.anchors;
      wait = await waitAfter(seen);
      if (wait === null) await parts.onOpen();
      return seen.anchors;
    },
  };
}
