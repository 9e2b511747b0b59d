import { renameSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { DatabaseError, openStateDirectory } from "@jarvis/db";
import { SelfExtensionError } from "@jarvis/tools/self-extension";
import { ConfigError, readConfig, type KernelConfig } from "./config.ts";
import { makeApi } from "./http/app.ts";
import { RepositoryError } from "./kernel/guarded-repository.ts";
import { startKernel, type Kernel } from "./kernel/kernel.ts";
import { Lifetime } from "./lifetime.ts";
import { openTokens } from "./token.ts";

/**
 * The kernel's program. Exit codes: 0 stopped in order, 2 the request or configuration could not be
 * read, 3 something it needs (state directory, database, repository host) could not be had.
 * It prints one JSON line: its address when it is ready, or why it never was.
 */
async function main(lifetime: Lifetime): Promise<void> {
  const config = readConfig(process.argv.slice(2));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => lifetime.end(0));
  }
  if (config.untilStdinCloses) process.stdin.once("close", () => lifetime.end(0)).resume();
  let kernel: Kernel | null = null;
  let port = 0;
  // The kernel first: a second one must be refused before it takes a port.
  kernel = await lifetime.open(
    async () => await startKernel(config, (error) => fail(lifetime, error)),
    async (running) => await running.stop(),
  );
  const tokens = openTokens(openStateDirectory(config.stateDir));
  const api = makeApi({ kernel: () => kernel, tokens, port: () => port, startedAt: new Date() });
  const server = createAdaptorServer({ fetch: api.fetch }) as Server;
  port = await lifetime.open(
    async () => await listen(server, config.port),
    async () => {
      rmSync(factsPath(config), { force: true });
      server.close();
      server.closeAllConnections();
    },
  );
  if (lifetime.ending) return;
  const url = `http://127.0.0.1:${port}`;
  writeFacts(config, { pid: process.pid, url });
  say({ ready: true, pid: process.pid, url });
}

/** Listens on the wanted port or, where it is taken, on the next free one of the following hundred. */
async function listen(server: Server, wanted: number): Promise<number> {
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
      server.listen(port, "127.0.0.1", () => {
        server.off("error", refused);
        resolve(false);
      });
    });
    if (!taken) return (server.address() as AddressInfo).port;
  }
  throw new ConfigError(`Ports ${wanted} to ${last} are all taken; choose another with --port.`);
}

function factsPath(config: KernelConfig): string {
  return join(config.stateDir, "kernel.json");
}

/** Where the command line finds this kernel. */
function writeFacts(config: KernelConfig, facts: { pid: number; url: string }): void {
  const path = factsPath(config);
  writeFileSync(`${path}.new`, JSON.stringify(facts), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function report(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`jarvis: ${message}\n`);
  if (process.argv.includes("--debug") && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
}

/** Says why on both channels, one for people and one for programs, and ends in order. */
function fail(lifetime: Lifetime, error: unknown): void {
  if (lifetime.ending) return;
  report(error);
  const message = error instanceof Error ? error.message : String(error);
  const { exitCode, code } = kindOf(error);
  say({ ready: false, exitCode, error: { code, message } });
  lifetime.end(exitCode);
}

function kindOf(error: unknown): { exitCode: 2 | 3; code: string } {
  if (error instanceof ConfigError) return { exitCode: 2, code: "invalid-setting" };
  if (error instanceof RepositoryError) return { exitCode: 2, code: "repository-unusable" };
  if (error instanceof SelfExtensionError || error instanceof DatabaseError) {
    const isRequest = error.code === "invalid-config" || error.code === "database-url-invalid";
    return { exitCode: isRequest ? 2 : 3, code: error.code };
  }
  return { exitCode: 3, code: "internal" };
}

// A lost promise or a driver's uncaught error leaves the state unknown: the kernel ends and recovers
// from its ledger, which is what a crash does anyway. The database server outlives it and is found again.
process.on("uncaughtException", (error) => {
  report(error);
  process.exit(3);
});

const lifetime = new Lifetime(report);
try {
  await main(lifetime);
} catch (error) {
  fail(lifetime, error);
}
