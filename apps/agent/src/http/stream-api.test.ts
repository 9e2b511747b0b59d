import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { OpenAPIHono } from "@hono/zod-openapi";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startLive, type Live } from "../kernel/stream/live.ts";
import { openTokens } from "../token.ts";
import { FailureDelay } from "./browser/failure-delay.ts";
import { Places } from "./browser/places.ts";
import { BrowserSessions } from "./browser/sessions.ts";
import { guard, type ApiEnvironment } from "./guard.ts";
import { addStreamRoute } from "./stream-api.ts";

const STALLED_MS = 200;
const MB = 2 ** 20;

let stateDirectory: string;
let database: TestDatabase;
let live: Live;
let server: Server;
let token: string;
/** The kernel's end of every connection. */
const ends = new Set<Socket>();

beforeAll(async () => {
  stateDirectory = mkdtempSync(join(tmpdir(), "jarvis-stream-"));
  database = await createTestDatabase();
  live = await startLive({
    database,
    glance: () => null,
    status: async () => await Promise.resolve({}),
    onProblem: (error) => {
      throw error;
    },
  });
  const tokens = openTokens(stateDirectory);
  token = tokens.operator;
  const port = (): number => (server.address() as AddressInfo).port;
  const doors = {
    tokens,
    sessions: new BrowserSessions({
      stateDirectory,
      callerOfHash: (hash) => tokens.callerOfHash(hash),
    }),
    places: new Places({ listen: "127.0.0.1", publicUrl: undefined, port }),
    failures: new FailureDelay(),
    port,
  };
  const app = new OpenAPIHono<ApiEnvironment>();
  app.use("/api/*", guard(doors));
  addStreamRoute(app, { live: () => live, doors, stalledMs: STALLED_MS });
  server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.on("connection", (socket: Socket) => {
    ends.add(socket);
    socket.once("close", () => ends.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  await live.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await database.close();
  rmSync(stateDirectory, { recursive: true, force: true });
});

describe("clients that take nothing any more", () => {
  it("are let go, cost no more than a chunk each, and nobody else notices", async () => {
    const slow = await Promise.all(Array.from({ length: 12 }, async () => await open()));
    for (const client of slow) client.socket.pause();
    const quick = await open();
    await expect.poll(() => live.feed.clients).toBe(13);
    const before = process.memoryUsage();

    // 26 MB for each of them: 300 MB, were it kept for them.
    const text = "x".repeat(32_000);
    let held = 0;
    for (let at = 0; at < 800; at += 1) {
      live.feed.tell("beat", { at, text });
      // As long as whoever reads needs for it.
      while (quick.seen() <= at - 20) await turn();
      for (const end of ends) held = Math.max(held, end.writableLength);
    }
    await quick.until(799);
    const after = process.memoryUsage();

    expect(held).toBeLessThan(MB);
    // The ring, what waits in twelve sockets, and whatever was not collected yet.
    expect(after.rss - before.rss).toBeLessThan(150 * MB);
    // Let go while it still takes nothing: an end of its own would never come.
    await expect.poll(() => live.feed.clients).toBe(1);
    await expect.poll(() => ends.size).toBe(1);
    live.feed.tell("beat", { at: 800, text: "still here" });
    await quick.until(800);
  });
});

/** A client of the stream on a socket of its own, after the first message. */
async function open() {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined);
  let seen = -1;
  let rest = "";
  let isOpen = false;
  socket.on("data", (bytes: Buffer) => {
    const lines = (rest + bytes.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    isOpen ||= lines.includes("event: hello");
    for (const line of lines) {
      const at = /^data: \{"at":(\d+),/.exec(line)?.[1];
      if (at !== undefined) seen = Number(at);
    }
  });
  socket.write(
    `GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  await expect.poll(() => isOpen).toBe(true);
  return {
    socket,
    seen: () => seen,
    until: async (at: number) => await expect.poll(() => seen, { timeout: 10_000 }).toBe(at),
  };
}
