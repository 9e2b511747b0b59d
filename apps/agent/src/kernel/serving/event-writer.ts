import type { JarvisDatabase } from "@jarvis/db";
import {
  appendJournal,
  appendSelfExtensionEvent,
  inspectJournal,
  replayJournal,
  SelfExtensionError,
  type NewLifecycleEvent,
} from "@jarvis/tools/self-extension";
import { DATABASE_PATIENCE_MS, inTime } from "./in-time.ts";

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
export function eventWriter(
  db: JarvisDatabase,
  journalPath: string,
  onProblem: (error: unknown) => void,
): EventWriter {
  async function replay(): Promise<void> {
    if (inspectJournal(journalPath).events === 0) return;
    const { refused, aside, broken } = await replayJournal(journalPath, db);
    if (broken !== null) {
      throw new SelfExtensionError(
        "journal-broken",
        `The journal ${journalPath} cannot be inserted whole: ${broken.detail}; look at it, then move it aside.`,
      );
    }
    const [first] = refused;
    if (first === undefined) return;
    // Trying again would not change the answer, and going back must not wait for it.
    onProblem(
      new Error(
        `The ledger refuses ${refused.length} of the journal's events (${first.detail}); they are kept in ${aside ?? ""}.`,
      ),
    );
  }

  return {
    replay,
    async record(event) {
      const written = (async () => {
        await replay();
        await appendSelfExtensionEvent(db, event);
        return true;
      })();
      try {
        if (await inTime(written, DATABASE_PATIENCE_MS, false)) return;
        throw new Error("the database is late");
      } catch (error) {
        // The ledger's own no is an answer; an event that it refuses is no event.
        if (error instanceof SelfExtensionError) throw error;
        // Should the insert succeed later after all, the replay finds it by its key.
        appendJournal(journalPath, event);
      }
    },
  };
}
