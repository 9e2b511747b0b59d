import type { LedgerReader } from "./ledger-reader.ts";
import type { FeedClient, LiveFeed } from "./live-feed.ts";
import { eventMessage, hello, transient } from "./messages.ts";

const PAGE = 200;
const SEEN = 10_000;
/** A chunk is sent when the one before has left: a slow client costs so much and no more. */
const CHUNK_CHARACTERS = 65_536;

/**
 * What one client is sent, as chunks of text that are made when it can take them. From an id it is
 * first read everything behind it, page by page, and then goes on with what all are sent; without one
 * it begins now. It ends where the client is too slow (`behind`): asked again with the last id, it
 * goes on from there.
 */
export async function* follow(
  feed: LiveFeed,
  reader: Pick<LedgerReader, "after">,
  options: {
    from: number | null;
    signal: AbortSignal;
    /** Asked before every chunk. */
    mayGoOn: () => boolean;
    /** The client is too slow: it ends when it takes what was sent, if it ever does. */
    onDrop?: () => void;
  },
): AsyncGenerator<string, void> {
  const { from, signal, mayGoOn } = options;
  if (from === null) await feed.upToDate();
  let wake = (): void => undefined;
  const dropped = new AbortController();
  const client: FeedClient = {
    next: feed.ring.next,
    wake: () => wake(),
    drop() {
      dropped.abort();
      wake();
    },
  };
  dropped.signal.addEventListener("abort", () => options.onDrop?.(), { once: true });
  const onAbort = (): void => client.drop();
  // What is committed from here on comes by the ring; what could be seen before, by the pages.
  const settled = feed.place;
  const leave = feed.join(client);
  signal.addEventListener("abort", onAbort, { once: true });
  const isOver = (): boolean => signal.aborted || !mayGoOn();
  try {
    yield hello(from ?? settled);
    // The pages and the ring may hold the same row: it is sent once, unless there are very many. And
    // the ring may be late with rows up to `from`, all of which the client was told.
    const seen = new Set<number>();
    let at = from ?? 0;
    let place = from ?? settled;
    let isBehind = from !== null;
    while (isBehind) {
      const events = await reader.after(at, PAGE);
      let chunk = "";
      if (seen.size > SEEN) seen.clear();
      for (const event of events) {
        at = Number(event.id);
        if (at <= settled) place = at;
        seen.add(at);
        chunk += eventMessage(event, place);
      }
      if (isOver()) return;
      if (chunk !== "") yield chunk;
      isBehind = events.length === PAGE && !dropped.signal.aborted;
    }
    for (;;) {
      if (isOver()) return;
      const messages = dropped.signal.aborted
        ? null
        : feed.ring.from(client.next, CHUNK_CHARACTERS);
      if (messages === null) {
        yield transient("behind", {});
        return;
      }
      client.next += messages.length;
      const chunk = messages
        .filter(({ rowId }) => rowId === null || (rowId > (from ?? 0) && !seen.delete(rowId)))
        .map(({ text }) => text)
        .join("");
      if (chunk !== "") {
        yield chunk;
      } else if (messages.length === 0) {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    leave();
    signal.removeEventListener("abort", onAbort);
  }
}
