import { rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { DatabaseError, openStateDirectory, writeDurably, messageOf } from "@jarvis/db";
import { SelfExtensionError } from "@jarvis/tools/self-extension";
import { ConfigError, readConfig, type KernelConfig } from "./config.ts";
import { INVALID_REQUEST, START_AGAIN, UNAVAILABLE } from "./exit-codes.ts";
import { makeApi } from "./http/app.ts";
import { readPage } from "./http/browser/page.ts";
import { Places } from "./http/browser/places.ts";
import { BrowserSessions } from "./http/browser/sessions.ts";
import { RepositoryError } from "./kernel/guarded-repository.ts";
import { glance, readStatus } from "./http/views.ts";
import { startKernel, type Kernel } from "./kernel/kernel.ts";
import type { Standby } from "./kernel/leadership/standby-kernel.ts";
import { startLive, type Live, type LiveParts } from "./kernel/stream/live.ts";
import { Lifetime } from "./lifetime.ts";
import { openTokens } from "./token.ts";

/** Requests that are under way at the end get so long. */
const ANSWERING_MS = 1000;

/**
 * The kernel's program. Exit codes: 0 stopped in order, 2 the request or configuration could not be
 * read, 3 something it needs (state directory, database, repository host) could not be had, 75 another
 * kernel leads now, or another release is to be the kernel. It prints one JSON line: its address when
 * it is ready or stands by, or why it never was.
 */
async function main(lifetime: Lifetime): Promise<void> {
  const config = readConfig(process.argv.slice(2));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => lifetime.end(0));
  }
  if (config.untilStdinCloses) process.stdin.once("close", () => lifetime.end(0)).resume();
  let kernel: Kernel | null = null;
  let standby: Standby | null = null;
  let live: Live | null = null;
  let port = 0;
  const startedAt = new Date();
  const places = new Places({
    listen: config.listen,
    publicUrl: config.publicUrl,
    port: () => port,
  });

  /** Answers from here on; who has to stand by does so before it is up. */
  async function openDoor(): Promise<string> {
    if (port > 0) return places.localUrl;
    const stateDirectory = openStateDirectory(config.stateDir);
    const tokens = openTokens(stateDirectory);
    const api = makeApi({
      kernel: () => kernel,
      standby: () => standby,
      live: () => live,
      tokens,
      sessions: new BrowserSessions({
        stateDirectory,
        callerOfHash: (hash) => tokens.callerOfHash(hash),
      }),
      places,
      page: readPage(config.pageDir),
      port: () => port,
      startedAt,
    });
    const server = createAdaptorServer({ fetch: api.fetch }) as Server;
    port = await lifetime.open(
      async () => await listen(server, config.port, config.listen),
      async () => {
        const known = { pid: process.pid, url: places.localUrl };
        // Whoever looks for the kernel meanwhile is told to wait.
        if (lifetime.exitCode !== START_AGAIN) rmSync(factsPath(config), { force: true });
        else writeFacts(config, { ...known, moving: new Date().toISOString() });
        await close(server);
      },
    );
    const url = places.localUrl;
    if (lifetime.ending) return url;
    writeFacts(config, { pid: process.pid, url });
    say({ ready: true, pid: process.pid, url });
    return url;
  }

  /** Tells clients what happens from here on; those of the feed before come back to this one. */
  async function tell(shown: Kernel, parts: Pick<LiveParts, "glance" | "status">): Promise<void> {
    const before = live;
    live = await lifetime.open(
      async () =>
        await startLive({
          database: shown.database,
          ...parts,
          onProblem: (error) => shown.progress.problem(error),
        }),
      async (feed) => await feed.stop(),
    );
    // Not waited for: the connection that it listened on may be dead.
    before?.stop().catch((error: unknown) => shown.progress.problem(error));
  }

  // The kernel first: a second one must be refused before it takes a port.
  const running = await lifetime.open(
    async () =>
      await startKernel(
        config,
        {
          onLost: (error) => lost(lifetime, config, error),
          onMove: () => lifetime.end(START_AGAIN),
        },
        {
          async onStandby(made) {
            standby = made;
            await tell(made.kernel, {
              glance: () => [made.leader(), made.kernel.progress.lastProblem],
              status: async () => await readStatus(made.kernel, { places, startedAt }, made),
            });
            made.answersAt(await openDoor());
          },
          signal: lifetime.signal,
        },
      ),
    async (started) => await started.stop(),
  );
  kernel = running;
  await tell(running, {
    glance: () => glance(running),
    status: async () => await readStatus(running, { places, startedAt }),
  });
  if (!lifetime.ending) running.answersAt(await openDoor());
}

/** Listens on the wanted port or, where it is taken, on the next free one of the following hundred. */
async function listen(server: Server, wanted: number, address: string): Promise<number> {
  const last = Math.min(wanted + 100, 65_535);
  for (let port = wanted; port <= last; port += 1) {
    const taken = await new Promise<boolean>((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException): void => {
        if (error.code === "EADDRINUSE") resolve(true);
        else if (error.code === "EACCES") {
          reject(new ConfigError(`Port ${port} needs more rights; choose another with --port.`));
        } else reject(error);
      };
      server.once("error", refused);
      server.listen(port, address, () => {
        server.off("error", refused);
        resolve(false);
      });
    });
    if (!taken) return (server.address() as AddressInfo).port;
  }
  throw new ConfigError(`Ports ${wanted} to ${last} are all taken; choose another with --port.`);
}

/** What is being answered gets a moment to be answered. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const limit = setTimeout(() => server.closeAllConnections(), ANSWERING_MS);
  await closed;
  clearTimeout(limit);
}

function factsPath(config: KernelConfig): string {
  return join(config.stateDir, "kernel.json");
}

/** Where the command line finds this kernel. */
function writeFacts(
  config: KernelConfig,
  facts: { pid: number; url: string; moving?: string },
): void {
  writeDurably(factsPath(config), JSON.stringify({ ...facts, provesPlace: true }));
}

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function report(error: unknown): void {
  const message = messageOf(error);
  process.stderr.write(`jarvis: ${message}\n`);
  if (process.argv.includes("--debug") && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
}

/** Says why on both channels, one for people and one for programs, and ends in order. */
function fail(lifetime: Lifetime, error: unknown): void {
  if (lifetime.ending) return;
  report(error);
  const message = messageOf(error);
  const { exitCode, code } = kindOf(error);
  say({ ready: false, exitCode, error: { code, message } });
  lifetime.end(exitCode);
}

/**
 * Whoever does not lead any more ends at once, and its sandboxes with it: an ending in order would
 * still want to write. A launcher starts it again, to stand by.
 */
function lost(life: Lifetime, config: KernelConfig, error: Error): void {
  if (!(error instanceof DatabaseError) || error.code !== "leadership-lost") {
    fail(life, error);
    return;
  }
  report(error);
  rmSync(factsPath(config), { force: true });
  process.exit(START_AGAIN);
}

function kindOf(error: unknown): {
  exitCode: typeof INVALID_REQUEST | typeof UNAVAILABLE;
  code: string;
} {
  if (error instanceof ConfigError) return { exitCode: INVALID_REQUEST, code: "invalid-setting" };
  if (error instanceof RepositoryError)
    return { exitCode: INVALID_REQUEST, code: "repository-unusable" };
  if (error instanceof SelfExtensionError || error instanceof DatabaseError) {
    const isRequest = error.code === "invalid-config" || error.code === "database-url-invalid";
    return { exitCode: isRequest ? INVALID_REQUEST : UNAVAILABLE, code: error.code };
  }
  return { exitCode: UNAVAILABLE, code: "internal" };
}

// A lost promise or a driver's uncaught error leaves the state unknown: the kernel ends and recovers
// from its ledger, which is what a crash does anyway. The database server outlives it and is found again.
process.on("uncaughtException", (error) => {
  report(error);
  process.exit(UNAVAILABLE);
});

const lifetime = new Lifetime(report);
try {
  await main(lifetime);
} catch (error) {
  fail(lifetime, error);
}
