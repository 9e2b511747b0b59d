import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { socketUrl } from "../connection.ts";
import { DatabaseError } from "../errors.ts";
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
import { initialiseCluster, superuserName } from "./initialise.ts";
import { runningPostmaster } from "./processes.ts";
import { readClusterRecord, readOrCreateSecrets, writeClusterRecord } from "./records.ts";
import type { ClusterRecord, Secrets } from "./records.ts";
import { clearLockFiles, startLimitMs, startServer, stopServer, waitUntilReady } from "./server.ts";

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

/** Where the files of the embedded server lie; null before its first start. */
export function databaseDirectory(stateDirectory: string): string | null {
  return readClusterRecord(join(stateDirectory, "postgres"))?.root ?? null;
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
  const { root, socketDirectory } = cluster.record;
  const { binaries } = cluster;
  return await startServer(
    { root, binaries, socketDirectory, user: cluster.place.user },
    superuserUrl(socketDirectory, secrets),
    options.settings ?? {},
  );
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
