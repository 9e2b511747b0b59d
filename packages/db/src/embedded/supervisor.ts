import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, socketUrl } from "../connection.ts";
import { codeOf, DatabaseError, messageOf } from "../errors.ts";
import { withFileLock } from "../file-lock.ts";
import { findPostgresPackage, installBinaries } from "./binaries.ts";
import {
  choosePlace,
  chooseSocketDirectory,
  makeGuardedDirectory,
  recordedPlace,
  setAside,
  socketDirectoryUsable,
} from "./cluster-directory.ts";
import type { ClusterPlace } from "./cluster-directory.ts";
import { initialiseCluster, serverEnvironment, superuserName } from "./initialise.ts";
import { runningPostmaster, serverProcesses, signalProcess, waitUntilGone } from "./processes.ts";
import { readClusterRecord, readOrCreateSecrets, writeClusterRecord } from "./records.ts";
import type { ClusterRecord, Secrets } from "./records.ts";

export type EmbeddedOptions = {
  /** Where clusters and binaries go, instead of the usual places. */
  base?: string;
  /** PostgreSQL settings on top of ours. */
  settings?: Record<string, string>;
};

export type EmbeddedServer = {
  readonly pid: number;
  readonly secrets: Secrets;
  readonly socketDirectory: string;
  /** The superuser in the maintenance database. */
  readonly superuserUrl: string;
  /** The three logins in Jarvis's own database. */
  readonly urls: { runtimeUrl: string; adminUrl: string; migratorUrl: string };
};

export const embeddedDatabaseName = "jarvis";

const startLimitMs = 120_000;
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

/**
 * Starts the embedded server of a state directory, or finds it running.
 *
 * Whatever ended the last one (an ordered stop, kill -9 of the agent, of the server, of both), the
 * next start gets a server that answers. Starts and stops of several processes take turns.
 */
export async function startEmbedded(
  stateDirectory: string,
  options: EmbeddedOptions = {},
): Promise<EmbeddedServer> {
  const directory = join(stateDirectory, "postgres");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return await withFileLock(join(directory, "start.lock"), startLimitMs, async () => {
    const secrets = readOrCreateSecrets(directory);
    const recorded = readClusterRecord(directory);
    const cluster =
      recorded === null
        ? await createCluster(stateDirectory, options, secrets)
        : reopenCluster(stateDirectory, options, recorded);
    const pid = await ensureRunning(cluster, secrets, options);
    return describe(pid, cluster.record.socketDirectory, secrets);
  });
}

/** Stops the server in order and waits until nothing of it is left. No server is fine too. */
export async function stopEmbedded(stateDirectory: string): Promise<void> {
  const directory = join(stateDirectory, "postgres");
  const record = existsSync(directory) ? readClusterRecord(directory) : null;
  if (record === null) return;
  await withFileLock(join(directory, "start.lock"), startLimitMs, () =>
    stopServer(join(record.root, "data")),
  );
}

/**
 * Stops the server and deletes its data. For a throw-away state only: as root the data lies
 * outside of the state directory, so that removing that directory would leave it behind.
 */
export async function destroyEmbedded(stateDirectory: string): Promise<void> {
  const directory = join(stateDirectory, "postgres");
  const record = existsSync(directory) ? readClusterRecord(directory) : null;
  await stopEmbedded(stateDirectory);
  if (record !== null) {
    rmSync(record.socketDirectory, { recursive: true, force: true });
    if (record.root !== directory) rmSync(record.root, { recursive: true, force: true });
  }
  rmSync(directory, { recursive: true, force: true });
}

type Cluster = { place: ClusterPlace; binaries: string; record: ClusterRecord; directory: string };

async function createCluster(
  stateDirectory: string,
  options: EmbeddedOptions,
  secrets: Secrets,
): Promise<Cluster> {
  const directory = join(stateDirectory, "postgres");
  const place = choosePlace(stateDirectory, options.base);
  const data = join(place.root, "data");
  // A cluster that nothing records belongs to a state directory of this path that was removed, or
  // to a start that died before it recorded it. Its passwords are gone with it.
  if (existsSync(data)) {
    await stopServer(data);
    setAside(place.user === null ? data : place.root);
  }
  if (place.user !== null) makeGuardedDirectory(place.root, 0o711);
  const binaries = installBinaries(findPostgresPackage(), place.binariesBase);
  await initialiseCluster(place, binaries, secrets.superuser);
  const record = { root: place.root, socketDirectory: chooseSocketDirectory(place) };
  writeClusterRecord(directory, record);
  return { place, binaries, record, directory };
}

function reopenCluster(
  stateDirectory: string,
  options: EmbeddedOptions,
  recorded: ClusterRecord,
): Cluster {
  const directory = join(stateDirectory, "postgres");
  const place = recordedPlace(stateDirectory, recorded.root, options.base);
  let record = recorded;
  if (place.root !== recorded.root) {
    // The state directory was moved or copied: the recorded socket may be another server's.
    record = { root: place.root, socketDirectory: chooseSocketDirectory(place) };
    writeClusterRecord(directory, record);
  }
  if (!existsSync(join(record.root, "data", "PG_VERSION"))) {
    // Never answered with a new, empty cluster: an empty ledger would look like a true one.
    throw new DatabaseError(
      "embedded-server-failed",
      `The database of this state directory was in ${record.root} and is gone: restore it from a backup, or remove ${directory} to begin with an empty ledger.`,
    );
  }
  makeGuardedDirectory(place.root, place.user === null ? 0o700 : 0o711);
  const binaries = installBinaries(findPostgresPackage(), place.binariesBase);
  return { place, binaries, record, directory };
}

async function ensureRunning(
  cluster: Cluster,
  secrets: Secrets,
  options: EmbeddedOptions,
): Promise<number> {
  const data = join(cluster.place.root, "data");
  const running = runningPostmaster(data);
  const hasSocket = socketDirectoryUsable(cluster.record.socketDirectory, cluster.place.user);
  if (running !== null && hasSocket) {
    const url = superuserUrl(cluster.record.socketDirectory, secrets);
    if (await waitUntilReady(url, () => runningPostmaster(data) === running)) return running;
  }
  // Dead, dying, or alive behind a socket that somebody swept away.
  await stopServer(data);
  clearLockFiles(data, cluster.record.socketDirectory);
  if (!hasSocket) {
    cluster.record = {
      ...cluster.record,
      socketDirectory: chooseSocketDirectory(cluster.place),
    };
    writeClusterRecord(cluster.directory, cluster.record);
  }
  return await startServer(cluster, secrets, options);
}

async function startServer(
  cluster: Cluster,
  secrets: Secrets,
  options: EmbeddedOptions,
): Promise<number> {
  const data = join(cluster.place.root, "data");
  const logPath = join(cluster.place.root, "server.log");
  const all = {
    ...settings,
    // Quoted, since a comma in the path would separate directories.
    unix_socket_directories: `"${cluster.record.socketDirectory.replaceAll('"', '""')}"`,
    ...options.settings,
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
        cwd: cluster.place.root,
        env: serverEnvironment,
        stdio: ["ignore", log, log],
        // A session of its own: it outlives us, and a Ctrl-C on our terminal is not its end.
        detached: true,
        ...cluster.place.user,
      },
    );
    child.once("error", (error) => (ended ??= error.message));
    child.once("exit", (status, signal) => (ended ??= `exit ${status ?? signal}`));
    child.unref();
    pid = child.pid;
  } finally {
    closeSync(log);
  }
  const url = superuserUrl(cluster.record.socketDirectory, secrets);
  const ready = await waitUntilReady(url, () => ended === null);
  if (ready && pid !== undefined) return pid;
  throw new DatabaseError(
    "embedded-server-failed",
    `The database server did not come up (${ended ?? `no answer within ${startLimitMs / 1000} s`}; last words: ${lastLine(logPath)}): see ${logPath}, mend the cause and start again.`,
  );
}

/** Ready is what answers a query. Answers false when `alive` stops holding or time is up. */
async function waitUntilReady(url: string, alive: () => boolean): Promise<boolean> {
  const deadline = Date.now() + startLimitMs;
  while (alive() && Date.now() < deadline) {
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

async function stopServer(data: string): Promise<void> {
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
function clearLockFiles(data: string, socketDirectory: string): void {
  rmSync(join(data, "postmaster.pid"), { force: true });
  rmSync(join(socketDirectory, ".s.PGSQL.5432"), { force: true });
  rmSync(join(socketDirectory, ".s.PGSQL.5432.lock"), { force: true });
}

function describe(pid: number, socketDirectory: string, secrets: Secrets): EmbeddedServer {
  const database = embeddedDatabaseName;
  const as = (user: string, password: string): string =>
    socketUrl({ user, password, database, socketDirectory });
  return {
    pid,
    secrets,
    socketDirectory,
    superuserUrl: superuserUrl(socketDirectory, secrets),
    urls: {
      runtimeUrl: as("jarvis_runtime", secrets.runtime),
      adminUrl: as(superuserName, secrets.superuser),
      migratorUrl: as("jarvis_migrator", secrets.migrator),
    },
  };
}

function superuserUrl(socketDirectory: string, secrets: Secrets): string {
  const database = "postgres";
  return socketUrl({ user: superuserName, password: secrets.superuser, database, socketDirectory });
}

function lastLine(path: string): string {
  return readFileSync(path, "utf8").trim().split("\n").at(-1) ?? "none";
}
