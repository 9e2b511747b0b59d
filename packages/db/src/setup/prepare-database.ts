import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { migrate } from "drizzle-orm/postgres-js/migrator";
import { z } from "zod";
import { connect, databaseNameOf, drizzleOver, withoutPassword, withRole } from "../connection.ts";
import type { SqlClient } from "../connection.ts";
import { DatabaseError, messageOf } from "../errors.ts";
import { KERNEL_SCHEMA, readSchemaFacts, requireKernelSchema } from "../kernel-schema.ts";
import type { SchemaFacts } from "../kernel-schema.ts";
import { dbosVersion, migrateDbos } from "./dbos-schema.ts";
import { ddlGuardSql, installDdlGuard } from "./ddl-guard.ts";
import { prepareRoles, roles } from "./roles.ts";
import { guardWorkflows, workflowLeaseSql } from "./workflow-lease.ts";

/** Beside `src` and beside `dist`, so both find the same folder. */
export const migrationsFolder = fileURLToPath(new URL("../../migrations", import.meta.url));

export type PrepareOptions = {
  /** Sets up roles, grants and, as a superuser, the event triggers. */
  adminUrl: string;
  /** Runs migrations; the same login as the admin where the operator has only one. */
  migratorUrl: string;
  /** The login that has to become a member of jarvis_runtime. */
  runtimeLogin: string;
};

// "JARVIS" as a number; any constant that no other program takes by accident.
const setupLockKey = 81_658_673_839n;
const setupLockLimitMs = 180_000;

/**
 * Whether set-up has nothing to do. A newer schema counts as current: its migrations are not ours
 * to judge, and ours are among them.
 */
export function isCurrent(facts: SchemaFacts | null): boolean {
  if (facts === null) return false;
  return facts.schemaVersion > KERNEL_SCHEMA || facts.prepared === preparedMarker();
}

/** Names everything that set-up applies: when it differs, set-up runs again. */
export function preparedMarker(): string {
  const parts = {
    migrations: readMigrationFiles({ migrationsFolder }).map((migration) => migration.hash),
    ddlGuard: ddlGuardSql,
    dbos: dbosVersion(),
    workflows: workflowLeaseSql,
  };
  return `sha256:${createHash("sha256").update(JSON.stringify(parts)).digest("hex")}`;
}

/**
 * Brings a database from whatever it is to what this release expects: roles, migrations, event
 * triggers, the workflow engine's schema. Any number of processes may call it at once.
 */
export async function prepareDatabase(options: PrepareOptions): Promise<void> {
  const admin = connect(options.adminUrl, {
    max: 1,
    role: undefined,
    applicationName: "jarvis set-up",
  });
  try {
    // The migrator of drizzle takes no lock: three start-ups on a fresh database, one crashed.
    await lockSetup(admin);
    const before = await readSchemaFacts(admin);
    if (before !== null) requireKernelSchema(before);
    if (isCurrent(before)) return;
    const adminLogin = await loginOf(admin);
    const separateMigrator = options.migratorUrl !== options.adminUrl;
    await prepareRoles(admin, {
      database: databaseNameOf(options.adminUrl),
      adminLogin,
      runtimeLogin: options.runtimeLogin,
    });
    await migrateAsOwner(options.migratorUrl);
    await installDdlGuard(admin);
    const engineUrl = separateMigrator
      ? options.migratorUrl
      : withRole(options.migratorUrl, roles.migrator);
    await migrateDbos(engineUrl);
    await guardWorkflows(engineUrl);
    await admin.begin(async (tx) => {
      await tx`set local role jarvis_owner`;
      await tx`update public.schema_info set prepared = ${preparedMarker()}`;
    });
  } catch (error) {
    throw error instanceof DatabaseError ? error : setupFailure(options.adminUrl, error);
  } finally {
    // Ends the session and with it the lock.
    await admin.end({ timeout: 5 });
  }
}

function setupFailure(adminUrl: string, cause: unknown): DatabaseError {
  return new DatabaseError(
    "migration-failed",
    `The set-up of the database ${withoutPassword(adminUrl)} failed (${messageOf(cause)}): mend the cause and start again, set-up goes on where it was.`,
    { cause },
  );
}

async function migrateAsOwner(migratorUrl: string): Promise<void> {
  const migrator = connect(migratorUrl, {
    max: 1,
    // Tables must belong to a role that nobody logs in as.
    role: roles.owner,
    applicationName: "jarvis migrations",
  });
  try {
    await migrate(drizzleOver(migrator), { migrationsFolder });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new DatabaseError(
      "migration-failed",
      `The migrations of the database failed and were rolled back (${messageOf(cause)}): nothing changed, start the previous release or mend the cause and start again.`,
      { cause: error },
    );
  } finally {
    await migrator.end({ timeout: 5 });
  }
}

// Asked again and again instead of waited for: a session that waits holds a snapshot, and the
// workflow engine builds indexes concurrently, which waits for every snapshot. Both would hang.
async function lockSetup(admin: SqlClient): Promise<void> {
  const deadline = performance.now() + setupLockLimitMs;
  for (;;) {
    const rows = await admin`select pg_try_advisory_lock(${setupLockKey.toString()}) as locked`;
    if (z.array(z.object({ locked: z.boolean() })).parse(rows)[0]?.locked === true) return;
    if (performance.now() > deadline) {
      throw new DatabaseError(
        "migration-failed",
        `Another process has been setting the database up for ${setupLockLimitMs / 1000} s: look for a session named "jarvis set-up" in pg_stat_activity and end it.`,
      );
    }
    await sleep(50);
  }
}

async function loginOf(client: SqlClient): Promise<string> {
  const rows = await client`select session_user::text as login`;
  return z.tuple([z.object({ login: z.string() })]).parse([...rows])[0].login;
}
