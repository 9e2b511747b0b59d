import type { JarvisDatabase } from "@jarvis/db";
import {
  appendJournal,
  appendSelfExtensionEvent,
  inspectJournal,
  replayJournal,
  SelfExtensionError,
  type NewLifecycleEvent,
} from "@jarvis/tools/self-extension";

/** A database that has not taken an event by then is down for whoever has to go back now. */
const PATIENCE_MS = 2_000;

export interface EventWriter {
  /** Resolves when the event is in the ledger, or on the disk to be inserted later. */
  record(event: NewLifecycleEvent): Promise<void>;
  /** Inserts what was written while the database was down. */
  replay(): Promise<void>;
}

/**
 * Writes lifecycle events where going back must not wait for the database: into the ledger, and into
 * the journal of the state directory where the database does not answer. What waits in the journal
 * goes first, so that the ledger tells the story in its order.
 */
export function eventWriter(db: JarvisDatabase, journalPath: string): EventWriter {
  async function replay(): Promise<void> {
    if (inspectJournal(journalPath).events === 0) return;
    const { refused, broken } = await replayJournal(journalPath, db);
    const [first] = refused;
    if (broken !== null || first !== undefined) {
      throw new SelfExtensionError(
        "journal-broken",
        `The journal ${journalPath} cannot be inserted whole: ${broken?.detail ?? first?.detail ?? ""}; look at it, then move it aside.`,
      );
    }
  }

  return {
    replay,
    async record(event) {
      const written = (async () => {
        await replay();
        await appendSelfExtensionEvent(db, event);
      })();
      try {
        await inTime(written);
      } catch (error) {
        // The ledger's own no is an answer; an event that it refuses is no event.
        if (error instanceof SelfExtensionError) throw error;
        // Should the insert succeed later after all, the replay finds it by its key.
        appendJournal(journalPath, event);
      }
    },
  };
}

async function inTime(work: Promise<void>): Promise<void> {
  let clock: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    clock = setTimeout(() => reject(new Error("the database is late")), PATIENCE_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(clock);
    work.catch(() => undefined);
  }
}
