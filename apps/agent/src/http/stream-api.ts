import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { follow } from "../kernel/stream/follow.ts";
import type { Live } from "../kernel/stream/live.ts";
import { NotReady } from "./errors.ts";
import type { ApiEnvironment, Credential, Doors } from "./guard.ts";
import { lookNowAndThen } from "./look-now-and-then.ts";
import { refusals, security } from "./route-parts.ts";

/** So many connections at a time; a browser opens one for each tab. */
const CLIENTS = 500;
/** How long a client that is too slow may take what it was sent, before its connection is closed. */
const STALLED_MS = 10_000;

const eventId = z.string().regex(/^\d{1,15}$/, "expected an event id");

const getStream = createRoute({
  method: "get",
  path: "/api/stream",
  summary: "Follow the ledger and the kernel, as server-sent events",
  security,
  request: {
    headers: z.object({ "last-event-id": eventId.optional() }),
    query: z.object({ after: eventId.optional() }),
  },
  responses: {
    200: {
      description:
        "Server-sent events: `hello` first; `ledger` with a row of the ledger, at least once, as it is committed; `status` when the kernel's state changed; `actions` when one was proposed or moved; `beat`; `behind` before a client that is too slow is let go. `Last-Event-ID` or `after` goes on behind an id.",
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...refusals,
  },
});

/** Events as they happen. A client that was sent away comes back with the last id it was told. */
export function addStreamRoute(
  app: OpenAPIHono<ApiEnvironment>,
  parts: { live: () => Live | null; doors: Doors; stalledMs?: number },
): void {
  const { stalledMs = STALLED_MS } = parts;
  app.openapi(getStream, (context) => {
    const live = parts.live();
    if (live === null || live.feed.clients >= CLIENTS) throw new NotReady();
    const given =
      context.req.valid("header")["last-event-id"] ?? context.req.valid("query").after ?? null;
    const { credential } = context.var;
    const { outgoing } = context.env;
    const ended = new AbortController();
    const { signal } = context.req.raw;
    signal.addEventListener("abort", () => ended.abort(), { once: true });
    const chunks = follow(live.feed, live.reader, {
      from: given === null ? null : Number(given),
      signal: ended.signal,
      mayGoOn: lookNowAndThen(() => isKnown(credential, parts.doors)),
      onDrop() {
        // One that takes nothing at all any more is not waited for.
        setTimeout(() => outgoing.destroy(), stalledMs).unref();
      },
    });
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      // Asked for a chunk when the one before has left: nothing piles up for a slow client.
      async pull(controller) {
        const { value, done } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        ended.abort();
        await chunks.return();
      },
    });
    return new Response(body, {
      headers: {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        // For a proxy in front: what happens is told when it happens.
        "x-accel-buffering": "no",
      },
    });
  });
}

/** A revoked token or an ended session is nobody's, also on a connection that is open already. */
function isKnown(credential: Credential, { tokens, sessions }: Doors): boolean {
  return credential.kind === "token"
    ? tokens.callerOfHash(credential.tokenHash) !== null
    : sessions.find(credential.cookie, credential.key) !== null;
}
