import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { ForgeError } from "./forge-error.ts";

// Neighbours of a busy port first, since a person may have opened a tunnel or a firewall for a range.
const NEIGHBOURS = 20;

/** Listens on loopback at the first wanted port that is free, its neighbours, or any. */
export async function listen(wanted: readonly number[]): Promise<{ server: Server; port: number }> {
  const first = wanted[0];
  const neighbours =
    first === undefined ? [] : Array.from({ length: NEIGHBOURS }, (_, index) => first + index + 1);
  for (const port of [...wanted, ...neighbours.filter((each) => each < 65_536), 0]) {
    const server = createServer();
    server.listen({ host: "127.0.0.1", port });
    const failed = once(server, "error").then(([error]) => error as NodeJS.ErrnoException);
    const error = await Promise.race([once(server, "listening").then(() => undefined), failed]);
    if (error === undefined) {
      const address = server.address();
      if (typeof address === "object" && address !== null) return { server, port: address.port };
    } else if (error.code !== "EADDRINUSE" && error.code !== "EACCES") {
      throw error;
    }
  }
  throw new ForgeError("no-free-port", "No port on 127.0.0.1 is free.");
}

// A change takes well under a second. Who is still sending a push after this has to send it again.
const DRAIN_MS = 5_000;

/** Takes no more requests, waits for `drained`, then ends what is still connected. */
export async function closeServer(server: Server, drained: () => Promise<void>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const patience = new AbortController();
  await Promise.race([
    drained(),
    sleep(DRAIN_MS, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  patience.abort();
  server.closeAllConnections();
  // Breaking a connection ends its git, and with it the change.
  await drained();
  await closed;
}
