import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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

/**
 * The kernel's program. Exit codes: 0 stopped in order, 2 the request or configuration could not be
 * read, 3 something it needs (state directory, database, repository host) could not be had.
 * When it is ready it prints one JSON line with its address.
 */
async function main(): Promise<void> {
  const config = readConfig(process.argv.slice(2), process.env);
  const token = readToken(openStateDirectory(config.stateDir));
  let kernel: Kernel | null = null;
  let port = 0;
  const api = makeApi({ kernel: () => kernel, token, port: () => port, startedAt: new Date() });
  // The kernel first: a second one must be refused before it takes a port.
  kernel = await startKernel(config);
  const server = createAdaptorServer({ fetch: api.fetch }) as Server;
  port = await listen(server, config.port);
  const url = `http://127.0.0.1:${port}`;
  writeFacts(config, { pid: process.pid, url });
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, url })}\n`);

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void shutDown(config, server, kernel);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

async function shutDown(
  config: KernelConfig,
  server: Server,
  kernel: Kernel | null,
): Promise<void> {
  let exitCode = 0;
  try {
    rmSync(factsPath(config), { force: true });
    server.close();
    server.closeAllConnections();
    await kernel?.stop();
  } catch (error) {
    report(error);
    exitCode = 3;
  }
  process.exit(exitCode);
}

/** Listens on the wanted port or, where it is taken, on the next free one of the following hundred. */
async function listen(server: Server, wanted: number): Promise<number> {
  for (let port = wanted; port <= Math.min(wanted + 100, 65_535); port += 1) {
    const taken = await new Promise<boolean>((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException): void => {
        if (error.code === "EADDRINUSE") resolve(true);
        else reject(error);
      };
      server.once("error", refused);
      server.listen(port, "127.0.0.1", () => {
        server.off("error", refused);
        resolve(false);
      });
    });
    if (!taken) return (server.address() as AddressInfo).port;
  }
  throw new ConfigError(
    `Ports ${wanted} to ${wanted + 100} are all taken; choose another with --port.`,
  );
}

/** The API's token, made once, readable by the owner of the state directory only. */
function readToken(stateDirectory: string): string {
  const path = join(stateDirectory, "token");
  try {
    const token = readFileSync(path, "utf8").trim();
    if (token.length >= 32) return token;
  } catch {
    // There is none yet.
  }
  const token = randomBytes(32).toString("base64url");
  writeFileSync(path, `${token}\n`, { mode: 0o600 });
  return token;
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

function report(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`jarvis: ${message}\n`);
  if (process.argv.includes("--debug") && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
}

// A lost promise or a driver's uncaught error leaves the state unknown: the kernel ends and recovers
// from its ledger, which is what a crash does anyway.
process.on("uncaughtException", (error) => {
  report(error);
  process.exit(3);
});

try {
  await main();
} catch (error) {
  report(error);
  const isRequest =
    error instanceof ConfigError ||
    error instanceof RepositoryError ||
    (error instanceof SelfExtensionError && error.code === "invalid-config");
  process.exit(isRequest ? 2 : error instanceof DatabaseError ? 3 : 3);
}
