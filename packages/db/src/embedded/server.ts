import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../connection.ts";
import { codeOf, DatabaseError, messageOf } from "../errors.ts";
import type { DatabaseUser } from "./database-user.ts";
import { serverEnvironment } from "./initialise.ts";
import { runningPostmaster, serverProcesses, signalProcess, waitUntilGone } from "./processes.ts";

/** What a server is started from. */
export type ServerFiles = {
  root: string;
  binaries: string;
  socketDirectory: string;
  user: DatabaseUser | null;
};

export const startLimitMs = 120_000;
const stopLimitMs = 30_000;
const logLimitBytes = 10_000_000;

const settings: Record<string, string> = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  shared_buffers: "64MB",
  max_connections: "60",
  max_wal_size: "256MB",
  // One agent's load needs no pool of I/O processes.
  io_method: "sync",
  jit: "off",
  // The log is cut at a start only; checkpoints would be most of it.
  log_checkpoints: "off",
  TimeZone: "UTC",
  log_timezone: "UTC",
};

/** Starts the server of a cluster and answers its process once it answers queries. */
export async function startServer(
  cluster: ServerFiles,
  url: string,
  extraSettings: Record<string, string>,
): Promise<number> {
  const data = join(cluster.root, "data");
  const logPath = join(cluster.root, "server.log");
  const all = {
    ...settings,
    // Quoted, since a comma in the path would separate directories.
    unix_socket_directories: `"${cluster.socketDirectory.replaceAll('"', '""')}"`,
    ...extraSettings,
  };
  const tooLong = existsSync(logPath) && statSync(logPath).size > logLimitBytes;
  const log = openSync(logPath, tooLong ? "w" : "a", 0o600);
  let ended: string | null = null;
  let pid: number | undefined;
  try {
    const child = spawn(
      join(cluster.binaries, "bin", "postgres"),
      ["-D", data, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      {
        cwd: cluster.root,
        env: serverEnvironment,
        stdio: ["ignore", log, log],
        // A session of its own: it outlives us, and a Ctrl-C on our terminal is not its end.
        detached: true,
        ...cluster.user,
      },
    );
    child.once("error", (error) => (ended ??= error.message));
    child.once("exit", (status, signal) => (ended ??= `exit ${status ?? signal}`));
    child.unref();
    pid = child.pid;
  } finally {
    closeSync(log);
  }
  const ready = await waitUntilReady(url, () => ended === null);
  if (ready && pid !== undefined) return pid;
  throw new DatabaseError(
    "embedded-server-failed",
    `The database server did not come up (${ended ?? `no answer within ${startLimitMs / 1000} s`}; last words: ${lastLine(logPath)}): see ${logPath}, mend the cause and start again.`,
  );
}

/** Ready is what answers a query. Answers false when `alive` stops holding or time is up. */
export async function waitUntilReady(url: string, alive: () => boolean): Promise<boolean> {
  const deadline = performance.now() + startLimitMs;
  while (alive() && performance.now() < deadline) {
    const client = connect(url, { max: 1, role: undefined, applicationName: "jarvis start" });
    try {
      await client`select 1`;
      return true;
    } catch (error) {
      const wrongPassword = "28P01";
      if (codeOf(error) === wrongPassword) {
        throw new DatabaseError(
          "embedded-server-failed",
          `The database server does not accept the password of this state directory (${messageOf(error)}): restore secrets.json from a backup.`,
          { cause: error },
        );
      }
      await sleep(15);
    } finally {
      await client.end({ timeout: 1 });
    }
  }
  return false;
}

/** Ends every process of a data directory, in order if it can be. */
export async function stopServer(data: string): Promise<void> {
  const postmaster = runningPostmaster(data);
  // Fast shutdown: open transactions are rolled back, then a checkpoint.
  if (postmaster !== null) signalProcess(postmaster, "SIGINT");
  if (await waitUntilGone(data, stopLimitMs)) return;
  // Backends without a postmaster, or a shutdown that hangs: recovery repairs the rest.
  for (const pid of serverProcesses(data)) signalProcess(pid, "SIGKILL");
  if (await waitUntilGone(data, stopLimitMs)) return;
  throw new DatabaseError(
    "embedded-server-failed",
    `The processes ${serverProcesses(data).join(", ")} of the database could not be ended: end them and start again.`,
  );
}

// Only after no process of the server is left: a zombie's number in them would stop the next start.
export function clearLockFiles(data: string, socketDirectory: string): void {
  rmSync(join(data, "postmaster.pid"), { force: true });
  rmSync(join(socketDirectory, ".s.PGSQL.5432"), { force: true });
  rmSync(join(socketDirectory, ".s.PGSQL.5432.lock"), { force: true });
}

function lastLine(path: string): string {
  return readFileSync(path, "utf8").trim().split("\n").at(-1) ?? "none";
}
