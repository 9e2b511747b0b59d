import type { DatabaseHandle } from "@jarvis/db";
import { ledgerEdge, ledgerReader, type LedgerReader } from "./ledger-reader.ts";
import { LiveFeed } from "./live-feed.ts";
import { lookOften, News } from "./news.ts";

/** How often connections that say nothing are shown to be alive, and their callers looked at again. */
const BEAT_MS = 15_000;
/** How often what is in no table (progress, a health window) is looked at, once for all clients. */
const LOOK_MS = 500;

export interface Live {
  readonly feed: LiveFeed;
  readonly reader: LedgerReader;
  stop(): Promise<void>;
}

export interface LiveParts {
  readonly database: Pick<DatabaseHandle, "db">;
  /** What can change without a row in a ledger; small, and without a question to the database. */
  readonly glance: () => unknown;
  readonly status: () => Promise<unknown>;
  readonly onProblem: (error: unknown) => void;
}

/**
 * Tells clients what happens: rows of the ledger soon after they were committed, and the state of the
 * kernel whenever it differs from what was told before.
 */
export async function startLive(parts: LiveParts): Promise<Live> {
  const { database, glance, status, onProblem } = parts;
  const reader = ledgerReader(database.db);
  const feed = await LiveFeed.open(reader, { onProblem });
  const events = new News(reader);
  const actions = new News(ledgerEdge(database.db, "action_audit_log"));
  let isStale = false;
  const lookForNews = async (): Promise<void> => {
    const [isEvent, isAction] = await Promise.all([events.look(), actions.look()]);
    if (isEvent) feed.notice();
    if (isAction && feed.clients > 0) feed.tell("actions", {});
    isStale ||= isEvent || isAction;
  };
  await lookForNews();

  const stopping = new AbortController();
  void lookOften(lookForNews, () => feed.clients > 0, { signal: stopping.signal, onProblem });

  let told = "";
  let isLooking = false;
  let beatAt = performance.now();
  const look = async (): Promise<void> => {
    const now = performance.now();
    if (now - beatAt >= BEAT_MS) {
      beatAt = now;
      feed.tell("beat", { at: new Date().toISOString() });
    }
    const seen = JSON.stringify(glance());
    if (!isStale && seen === told) return;
    isStale = false;
    told = seen;
    feed.tell("status", await status());
  };
  const timer = setInterval(() => {
    if (feed.clients === 0 || isLooking) return;
    isLooking = true;
    feed.notice();
    look()
      .catch(onProblem)
      .finally(() => (isLooking = false));
  }, LOOK_MS);
  return {
    feed,
    reader,
    async stop() {
      clearInterval(timer);
      stopping.abort();
      // Clients first: a connection to the database that is dead may never answer.
      await feed.stop();
    },
  };
}
