import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, databaseNameOf, withDatabase } from "../connection.ts";
import type { SqlClient } from "../connection.ts";
import { findPostgresPackage } from "../embedded/binaries.ts";
import { destroyEmbedded, startEmbedded, stopEmbedded } from "../embedded/supervisor.ts";
import type { EmbeddedServer } from "../embedded/supervisor.ts";
import { withFileLock } from "../file-lock.ts";
import { createEmbeddedDatabase } from "../setup/embedded-database.ts";
import { preparedMarker, prepareDatabase } from "../setup/prepare-database.ts";
import { openStateDirectory } from "../state-directory.ts";
import { makeTemplateState } from "./template-state.ts";

/*
 * One real server for all tests that run on this machine, kept between runs. Its directory is
 * named by everything that decides what is in it, so a changed migration makes a new one.
 */

const namePrefix = `jarvis-test-${process.getuid?.() ?? 0}-`;

export type TestCluster = { server: EmbeddedServer; directory: string };

/** Starts the shared server if nobody did yet and counts this process among its users. */
export async function acquireTestCluster(): Promise<TestCluster> {
  const directory = join(realpathSync(tmpdir()), namePrefix + clusterKey());
  return await locked(directory, async () => {
    const others = liveUsers(directory);
    if (others.length === 0) await sweepOldClusters(directory);
    const server = await startEmbedded(directory, {
      ...(process.getuid?.() === 0 ? { base: clusterBase() } : {}),
      // No test pulls the plug of the machine, so nothing has to reach the disk.
      settings: {
        fsync: "off",
        full_page_writes: "off",
        max_connections: "300",
        max_locks_per_transaction: "128",
      },
    });
    if (!(await hasTemplate(server))) {
      await createEmbeddedDatabase(server);
      await prepareDatabase({ ...server.urls, runtimeLogin: "jarvis_runtime" });
    }
    await makeTemplateState(templateStateOf(directory));
    if (others.length === 0) await dropLeftDatabases(server);
    writeFileSync(join(directory, "users", String(process.pid)), "");
    return { server, directory };
  });
}

/** Stops the server when no other test run uses it. */
export async function releaseTestCluster(directory: string): Promise<void> {
  await locked(directory, async () => {
    rmSync(join(directory, "users", String(process.pid)), { force: true });
    if (liveUsers(directory).length === 0) await stopEmbedded(directory);
  });
}

/** A database of its own, copied from the migrated one. Answers how to get there and rid of it. */
export async function copyTemplate(
  server: EmbeddedServer,
): Promise<{ urls: EmbeddedServer["urls"]; name: string; drop: () => Promise<void> }> {
  const name = `test_${process.pid}_${randomBytes(6).toString("hex")}`;
  const template = databaseNameOf(server.urls.adminUrl);
  await asSuperuser(server, async (admin) => {
    await admin.unsafe(`create database ${name} template ${template} strategy file_copy`);
    // Grants on a database are not copied with it.
    await admin.unsafe(`grant create on database ${name} to jarvis_owner, jarvis_migrator`);
  });
  return {
    name,
    urls: {
      runtimeUrl: withDatabase(server.urls.runtimeUrl, name),
      adminUrl: withDatabase(server.urls.adminUrl, name),
      migratorUrl: withDatabase(server.urls.migratorUrl, name),
    },
    drop: () =>
      asSuperuser(server, async (admin) => {
        await admin.unsafe(`drop database if exists ${name} with (force)`);
      }),
  };
}

/** The state directory that those of kernels in tests are copied from. */
export function templateStateOf(directory: string): string {
  return join(directory, "template-state");
}

function clusterKey(): string {
  const { version } = findPostgresPackage();
  return createHash("sha256").update(`${preparedMarker()} ${version}`).digest("hex").slice(0, 12);
}

// As root the data cannot lie in the 0700 directory that the key names.
function clusterBase(): string {
  return join(realpathSync(tmpdir()), `${namePrefix}clusters`);
}

async function hasTemplate(server: EmbeddedServer): Promise<boolean> {
  const admin = connect(server.urls.adminUrl, { max: 1, role: undefined, applicationName: "test" });
  try {
    const [row] = await admin`select prepared from public.schema_info`;
    return row?.["prepared"] === preparedMarker();
  } catch {
    return false;
  } finally {
    await admin.end({ timeout: 5 });
  }
}

// What a killed run left behind.
async function dropLeftDatabases(server: EmbeddedServer): Promise<void> {
  await asSuperuser(server, async (admin) => {
    const rows = await admin`select datname from pg_database where datname like 'test\\_%'`;
    for (const row of rows) {
      await admin.unsafe(`drop database if exists ${String(row["datname"])} with (force)`);
    }
  });
}

async function sweepOldClusters(current: string): Promise<void> {
  const parent = realpathSync(tmpdir());
  for (const name of readdirSync(parent)) {
    const directory = join(parent, name);
    const old = name.startsWith(namePrefix) && directory !== current && !name.endsWith("clusters");
    if (!old || liveUsers(directory).length > 0) continue;
    await destroyEmbedded(templateStateOf(directory));
    await destroyEmbedded(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

function liveUsers(directory: string): number[] {
  const users = join(directory, "users");
  if (!existsSync(users)) return [];
  return readdirSync(users)
    .map(Number)
    .filter((pid) => existsSync(`/proc/${pid}`) && !isZombie(pid));
}

function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

async function locked<T>(directory: string, work: () => Promise<T>): Promise<T> {
  openStateDirectory(directory);
  mkdirSync(join(directory, "users"), { recursive: true });
  return await withFileLock(join(directory, "users.lock"), 180_000, work);
}

async function asSuperuser(
  server: EmbeddedServer,
  work: (admin: SqlClient) => Promise<void>,
): Promise<void> {
  const admin = connect(server.superuserUrl, { max: 1, role: undefined, applicationName: "test" });
  try {
    await work(admin);
  } finally {
    await admin.end({ timeout: 5 });
  }
}
