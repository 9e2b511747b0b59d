import type { DatabaseHandle } from "@jarvis/db";
import { Announced } from "./announced.ts";
import { ledgerReader, type LedgerReader } from "./ledger-reader.ts";
import { LiveFeed } from "./live-feed.ts";

/** What a commit to a ledger is announced on; the payload is the table's name. */
const CHANNEL = "jarvis_ledger";
/** How often connections that say nothing are shown to be alive, and their callers looked at again. */
const BEAT_MS = 15_000;
/**
 * How often what is in no table (progress, a health window) is looked at, once for all clients, and
 * what nobody announced: who writes beside a transaction that stays open leaves that to it.
 */
const LOOK_MS = 500;

export interface Live {
  readonly feed: LiveFeed;
  readonly reader: LedgerReader;
  stop(): Promise<void>;
}

export interface LiveParts {
  readonly database: Pick<DatabaseHandle, "db" | "sql">;
  /** What can change without a row in a ledger; small, and without a question to the database. */
  readonly glance: () => unknown;
  readonly status: () => Promise<unknown>;
  readonly onProblem: (error: unknown) => void;
}

/**
 * Tells clients what happens: rows of the ledger as the database announces them, and the state of the
 * kernel whenever it differs from what was told before. Nothing is looked at while nobody listens.
 */
export async function startLive(parts: LiveParts): Promise<Live> {
  const { database, glance, status, onProblem } = parts;
  const reader = ledgerReader(database.db);
  const feed = await LiveFeed.open(reader, { onProblem });
  let isStale = false;
  const announced = new Announced(
    database.db,
    (ledger) => {
      isStale = true;
      if (ledger === "self_extension_events") feed.notice();
      else if (feed.clients > 0) feed.tell("actions", {});
    },
    onProblem,
  );
  // Called again after each new connection: what was announced in between is found by one read.
  const listening = await database.sql.listen(
    CHANNEL,
    (table) => announced.notice(table),
    () => feed.notice(),
  );

  let told = "";
  let isLooking = false;
  let beatAt = Date.now();
  const look = async (): Promise<void> => {
    const now = Date.now();
    if (now - beatAt >= BEAT_MS) {
      beatAt = now;
      feed.tell("beat", { at: new Date(now).toISOString() });
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
      // Clients first: a connection to the database that is dead may never answer.
      announced.stop();
      await feed.stop();
      await listening.unlisten().catch(onProblem);
    },
  };
}
