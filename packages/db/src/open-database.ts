import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { z } from "zod";
import { connect, drizzleOver, withoutPassword, withRole } from "./connection.ts";
import type { SqlClient } from "./connection.ts";
import { startEmbedded, stopEmbedded } from "./embedded/supervisor.ts";
import { codeOf, DatabaseError, messageOf } from "./errors.ts";
import { readLedgerGuard } from "./guard-status.ts";
import type { LedgerGuard } from "./guard-status.ts";
import { readSchemaFacts, requireKernelSchema } from "./kernel-schema.ts";
import type { SchemaFacts } from "./kernel-schema.ts";
import type * as schema from "./schema/index.ts";
import { createEmbeddedDatabase } from "./setup/embedded-database.ts";
import { isCurrent, prepareDatabase } from "./setup/prepare-database.ts";
import { roles } from "./setup/roles.ts";
import { openStateDirectory } from "./state-directory.ts";

export type OpenDatabaseOptions = {
  /** The operator's server. Without it, Jarvis runs a PostgreSQL of its own. */
  url?: string | undefined;
  /** The login for set-up and migrations, where it is another than that of `url`. */
  adminUrl?: string | undefined;
  stateDirectory: string;
  /** The leadership that every session belongs to, on a server that several kernels share. */
  epoch?: number | undefined;
};

export type CloseOptions = {
  stopServer: boolean;
  /** How long what is still asked may take; 5 unless told. Short where nobody answers any more. */
  patienceSeconds?: number;
};

export type DatabaseHandle = {
  readonly db: PostgresJsDatabase<typeof schema>;
  readonly sql: SqlClient;
  /** The same database and role for node-postgres and DBOS. Holds the password. */
  readonly runtimeUrl: string;
  readonly ledgerGuard: LedgerGuard;
  /** What a superuser has to run to get from `owner-ddl-unguarded` to `enforced`. */
  readonly ledgerGuardSql: string | null;
  readonly server: "embedded" | "external";
  /** Ends the connections; `stopServer` also stops an embedded server, for everybody. */
  close(options?: CloseOptions): Promise<void>;
};

/** Where a database is and who may do what there. */
export type DatabaseTarget = {
  runtimeUrl: string;
  adminUrl: string;
  migratorUrl: string;
  server: "embedded" | "external";
  epoch?: number | undefined;
};

/**
 * Opens the database as the runtime role, after bringing it up to date if it is not.
 *
 * The session is never the owner of a table: it logs in as jarvis_runtime or acts as it from its
 * first moment.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<DatabaseHandle> {
  const stateDirectory = openStateDirectory(options.stateDirectory);
  if (options.url !== undefined) {
    const adminUrl = options.adminUrl ?? options.url;
    return await openTarget(
      {
        runtimeUrl: options.url,
        adminUrl,
        migratorUrl: adminUrl,
        server: "external",
        epoch: options.epoch,
      },
      async () => {},
    );
  }
  const embedded = await startEmbedded(stateDirectory);
  const handle = await openTarget({ ...embedded.urls, server: "embedded" }, () =>
    createEmbeddedDatabase(embedded),
  );
  return {
    ...handle,
    async close(closing = { stopServer: false }) {
      await handle.close(closing);
      if (closing.stopServer) await stopEmbedded(stateDirectory);
    },
  };
}

/** Opens a database whose server runs. `create` makes the database itself where it is missing. */
export async function openTarget(
  target: DatabaseTarget,
  create: () => Promise<void>,
): Promise<DatabaseHandle> {
  const opened = await tryOpen(target);
  if (opened !== null) return opened;
  await create();
  await prepareDatabase({
    adminUrl: target.adminUrl,
    migratorUrl: target.migratorUrl,
    runtimeLogin: await runtimeLoginOf(target),
  });
  const prepared = await tryOpen(target);
  if (prepared !== null) return prepared;
  throw new DatabaseError(
    "database-not-prepared",
    `The database was set up, yet its runtime login cannot use it: check the grants of ${withoutPassword(target.runtimeUrl)}.`,
  );
}

/** Answers null when the database has to be set up first. */
async function tryOpen(target: DatabaseTarget): Promise<DatabaseHandle | null> {
  const sql = connect(target.runtimeUrl, {
    max: 10,
    role: roles.runtime,
    applicationName: "jarvis",
    epoch: target.epoch,
  });
  try {
    const facts = await readFacts(sql, target);
    if (facts !== null) requireKernelSchema(facts);
    if (isCurrent(facts)) {
      const guard = await readLedgerGuard(sql);
      return {
        db: drizzleOver(sql),
        sql,
        runtimeUrl: withRole(target.runtimeUrl, roles.runtime, target.epoch),
        ...guard,
        server: target.server,
        close: (closing) => sql.end({ timeout: closing?.patienceSeconds ?? 5 }),
      };
    }
  } catch (error) {
    await sql.end({ timeout: 1 });
    throw error;
  }
  await sql.end({ timeout: 5 });
  return null;
}

// What a server answers to a login that set-up has still to make: no such role, not a member of
// it, no such database, no password yet.
const notYetPrepared = new Set(["22023", "42501", "42704", "3D000", "28000", "28P01"]);

async function readFacts(sql: SqlClient, target: DatabaseTarget): Promise<SchemaFacts | null> {
  try {
    return await readSchemaFacts(sql);
  } catch (error) {
    if (notYetPrepared.has(codeOf(error) ?? "")) return null;
    throw unreachable(target, error);
  }
}

async function runtimeLoginOf(target: DatabaseTarget): Promise<string> {
  if (target.server === "embedded") return roles.runtime;
  const sql = connect(target.runtimeUrl, {
    max: 1,
    role: undefined,
    applicationName: "jarvis set-up",
  });
  try {
    const rows = await sql`select session_user::text as login`;
    return z.tuple([z.object({ login: z.string() })]).parse([...rows])[0].login;
  } catch (error) {
    throw unreachable(target, error);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Asks an operator's server whether it answers to that login; nothing is set up. */
export async function pingDatabase(url: string): Promise<void> {
  const sql = connect(url, { max: 1, role: undefined, applicationName: "jarvis doctor" });
  try {
    await sql`select 1`;
  } catch (error) {
    throw unreachable({ server: "external", runtimeUrl: url }, error);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function unreachable(
  { server, runtimeUrl }: Pick<DatabaseTarget, "server" | "runtimeUrl">,
  cause: unknown,
): DatabaseError {
  const login = server === "external" ? "the login in DATABASE_URL" : "the login";
  return new DatabaseError(
    "database-unreachable",
    `The database ${withoutPassword(runtimeUrl)} cannot be reached (${messageOf(cause)}): check that the server runs and that ${login} is right.`,
    { cause },
  );
}
