import { drizzle } from "drizzle-orm/postgres-js";
import type { PostgresJsDatabase, PostgresJsQueryResultHKT } from "drizzle-orm/postgres-js";
import type { PgDatabase } from "drizzle-orm/pg-core";
import postgres from "postgres";
import type { BoundedDial } from "./bounded-dial.ts";
import { DatabaseError } from "./errors.ts";
import * as schema from "./schema/index.ts";

export type SqlClient = postgres.Sql;

/** A drizzle database or a transaction of it: what every function over the tables takes. */
export type JarvisDatabase = PgDatabase<PostgresJsQueryResultHKT, typeof schema>;

export type ConnectOptions = {
  max: number;
  /** The role that every session of this client acts as, whoever logged in. */
  role: string | undefined;
  applicationName: string;
  /** The leadership that every session of this client belongs to. */
  epoch?: number | undefined;
  /** Dials in place of the client; answers a connected socket. */
  socket?: BoundedDial["open"];
};

/**
 * What sessions of a leadership say to the server. A kernel that is stopped in the middle of a
 * transaction holds its locks: the server takes them back, so that the next one need not wait.
 */
function leadershipSettings(epoch: number | undefined): Record<string, string> {
  if (epoch === undefined) return {};
  return { "jarvis.epoch": String(epoch), idle_in_transaction_session_timeout: "5000" };
}

/** Opens a postgres.js client. Nothing is dialled before the first query. */
export function connect(url: string, options: ConnectOptions): SqlClient {
  const { server, socketDirectory } = splitUrl(url);
  const settings: postgres.Options<Record<string, never>> & {
    max_pipeline: number;
    socket?: ConnectOptions["socket"];
  } = {
    max: options.max,
    connect_timeout: 15,
    // postgres.js closes a full pipeline by leaking a transaction into the next caller's query
    // (an acknowledged insert was lost that way); the typings do not know the option.
    max_pipeline: 1e9,
    // The default prints notices on the console.
    onnotice: () => {},
    connection: {
      application_name: options.applicationName,
      // pg_temp last: a temporary table must not stand in for the ledger.
      search_path: "public, pg_temp",
      ...(options.role === undefined ? {} : { role: options.role }),
      ...leadershipSettings(options.epoch),
    },
    ...(socketDirectory === null ? {} : { host: socketDirectory }),
    ...(options.socket === undefined ? {} : { socket: options.socket }),
  };
  return postgres(server, settings);
}

export function drizzleOver(client: SqlClient): PostgresJsDatabase<typeof schema> {
  return drizzle({ client, schema });
}

/**
 * The same server and login for node-postgres (and so for DBOS), acting as `role` and, where it is
 * given, in the leadership `epoch`. They travel in `options`, which both drivers hand to the server at
 * start-up.
 */
export function withRole(url: string, role: string, epoch?: number): string {
  const parsed = parseUrl(url);
  const before = parsed.searchParams.get("options");
  const settings = Object.entries({ role, ...leadershipSettings(epoch) });
  const options = settings.map(([name, value]) => `-c ${name}=${value}`).join(" ");
  parsed.searchParams.set("options", before === null ? options : `${before} ${options}`);
  // node-postgres reads %20, not +, as a space in query values.
  parsed.search = parsed.searchParams.toString().replaceAll("+", "%20");
  return parsed.toString();
}

/** A URL over a unix socket: the host in the authority is only there because a URL needs one. */
export function socketUrl(target: {
  user: string;
  password: string;
  database: string;
  socketDirectory: string;
}): string {
  const { user, password, database, socketDirectory } = target;
  const part = encodeURIComponent;
  return `postgresql://${part(user)}:${part(password)}@localhost/${part(database)}?host=${part(socketDirectory)}`;
}

export function databaseNameOf(url: string): string {
  return decodeURIComponent(parseUrl(url).pathname.slice(1));
}

export function withDatabase(url: string, database: string): string {
  const parsed = parseUrl(url);
  parsed.pathname = `/${encodeURIComponent(database)}`;
  return parsed.toString();
}

/** The URL as it may appear in a message. */
export function withoutPassword(url: string): string {
  const parsed = parseUrl(url);
  parsed.password = "";
  parsed.search = "";
  return parsed.toString();
}

// postgres.js would send `host` to the server as a setting, where node-postgres reads the socket.
function splitUrl(url: string): { server: string; socketDirectory: string | null } {
  const parsed = parseUrl(url);
  const socketDirectory = parsed.searchParams.get("host");
  parsed.searchParams.delete("host");
  return { server: parsed.toString(), socketDirectory };
}

function parseUrl(url: string): URL {
  let parsed: URL | null = null;
  try {
    parsed = new URL(url);
  } catch {
    // Not thrown on: the message of the parser would repeat the password.
  }
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol) || parsed.pathname.length < 2) {
    throw new DatabaseError(
      "database-url-invalid",
      "The database URL (DATABASE_URL, or JARVIS_DATABASE_ADMIN_URL for set-up) could not be read: expected postgresql://user:password@host:port/database.",
    );
  }
  return parsed;
}
