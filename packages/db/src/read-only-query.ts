import type postgres from "postgres";
import { z } from "zod";
import { BoundedDial } from "./bounded-dial.ts";
import { connect, type SqlClient } from "./connection.ts";
import { codeOf, messageOf } from "./errors.ts";
import { roles } from "./setup/roles.ts";

export interface QueryLimits {
  /** From dialling to the last row. */
  readonly timeMs: number;
  readonly rows: number;
  /** Of all values together, in UTF-8; a single row that is longer is refused. */
  readonly bytes: number;
}

/** Values as PostgreSQL writes them; null is NULL. `isWhole` is false where rows were left out. */
export interface QueryAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly isWhole: boolean;
}

export type QueryProblem =
  | "unreadable"
  | "not-allowed"
  | "login-too-powerful"
  | "too-long"
  | "too-large"
  | "unreachable"
  | "failed";

/** Why a query has no answer; the sentence is for whoever asked, and holds no credential. */
export class QueryRefused extends Error {
  override readonly name = "QueryRefused";
  readonly code: QueryProblem;

  constructor(code: QueryProblem, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

const BATCH = 20;
const MOST_COLUMNS = 100;
/** What the protocol adds, the columns' names and an error of ordinary length. */
const OVERHEAD_BYTES = 256 * 1024;

/**
 * What one query reads, asked for by somebody who is not trusted: one statement in a read-only
 * transaction that is never committed, by a login that may do nothing on the server but read and
 * write tables. What the login may read is the operator's decision.
 *
 * Throws `QueryRefused`.
 */
export async function queryReadOnly(
  url: string,
  text: string,
  limits: QueryLimits,
  signal: AbortSignal,
): Promise<QueryAnswer> {
  // A NUL would end the text within the message that it travels in.
  if (text.includes("\0")) throw new QueryRefused("unreadable", "A query holds no NUL.");
  const endsAtMs = performance.now() + limits.timeMs;
  const ended = AbortSignal.any([signal, AbortSignal.timeout(limits.timeMs)]);
  // A batch of rows that are each as long as they may be, and once more what JSON makes of them.
  const dial = new BoundedDial(limits.bytes * 2 * (BATCH + 1) + OVERHEAD_BYTES, ended);
  const sql = connect(url, {
    max: 1,
    role: undefined,
    applicationName: "jarvis query",
    socket: dial.open,
  });
  try {
    return await readRows(sql, text.trim().replace(/;$/, ""), limits, endsAtMs);
  } catch (error) {
    if (error instanceof QueryRefused) throw error;
    throw refusalOf(error, { isFull: dial.isFull, isEnded: ended.aborted });
  } finally {
    dial.close();
    // Nothing was committed, and nothing of the session may stay.
    await sql.end({ timeout: 0 });
  }
}

async function readRows(
  sql: SqlClient,
  query: string,
  limits: QueryLimits,
  endsAtMs: number,
): Promise<QueryAnswer> {
  // Before each statement: a query can change the setting for what comes after it.
  const bound = async (): Promise<void> => {
    const leftMs = Math.max(1, Math.floor(endsAtMs - performance.now()));
    await sql.unsafe(`set local statement_timeout = ${leftMs}; set local lock_timeout = ${leftMs}`);
  };
  await sql.unsafe("begin isolation level repeatable read read only");
  await bound();
  await requireOrdinaryLogin(sql);
  // Alone first: the server refuses several statements here, and what it understands alone cannot
  // leave the brackets that it is put in below.
  const { columns: described } = await sql.unsafe(query, [], oneStatement).describe();
  if (described.length > MOST_COLUMNS) {
    throw new QueryRefused("too-large", `A query answers ${MOST_COLUMNS} columns at most.`);
  }
  await bound();
  await sql.unsafe(cursorOf(query, described.length, limits.bytes), [], oneStatement);
  const rows: (string | null)[][] = [];
  let bytes = 0;
  for (;;) {
    await bound();
    const batch = fetched.parse([...(await sql.unsafe(`fetch ${BATCH} from answer`))]);
    for (const { row } of batch) {
      if (row === null) {
        throw new QueryRefused("too-large", `A row is longer than ${limits.bytes} bytes.`);
      }
      bytes += Buffer.byteLength(row);
      if (rows.length === limits.rows || bytes > limits.bytes) {
        return { columns: described.map(({ name }) => name), rows, isWhole: false };
      }
      rows.push(cells.parse(JSON.parse(row)));
    }
    if (batch.length < BATCH) {
      return { columns: described.map(({ name }) => name), rows, isWhole: true };
    }
  }
}

// The extended protocol, which takes one statement; the typings do not know the option.
const oneStatement: postgres.UnsafeQueryOptions & { simple: false } = { simple: false };

const fetched = z.array(z.object({ row: z.string().nullable() }));
const cells = z.array(z.string().nullable());

/**
 * The query in brackets, where only what reads is a sentence of SQL at all, and as a cursor, which
 * takes nothing else either. The server leaves a row out that is too long, so that it is not sent.
 */
function cursorOf(query: string, columns: number, rowBytes: number): string {
  const names = Array.from({ length: columns }, (_, index) => `c${index}`);
  const values = names.map((name) => `q.${name}::pg_catalog.text`).join(", ");
  const alias = columns === 0 ? "q" : `q(${names.join(", ")})`;
  return `declare answer no scroll cursor for
    select case when pg_catalog.octet_length(r.line) <= ${rowBytes} then r.line end as row
    from (
      select pg_catalog.to_json(array[${values}]::pg_catalog.text[])::pg_catalog.text as line
      from (\n${query}\n) as ${alias}
    ) as r`;
}

/** More than reading and writing tables is more than a read-only transaction holds back. */
async function requireOrdinaryLogin(sql: SqlClient): Promise<void> {
  const [found] = z.array(z.object({ name: z.string() })).parse([
    ...(await sql`
      select r.rolname::text as name from pg_catalog.pg_roles r
      where pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')
        and (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls
          or r.rolname in ${sql([...serverRoles, ...Object.values(roles)])})
      limit 1`),
  ]);
  if (found === undefined) return;
  throw new QueryRefused(
    "login-too-powerful",
    `The login of this database acts as ${found.name}, which may do more than read tables: give queries a login of their own.`,
  );
}

const serverRoles = [
  "pg_execute_server_program",
  "pg_read_server_files",
  "pg_write_server_files",
  "pg_signal_backend",
  "pg_checkpoint",
  "pg_maintain",
  "pg_create_subscription",
];

/** The classes of SQLSTATE that say what is wrong with the query and not with the world. */
const problems: readonly (readonly [RegExp, QueryProblem])[] = [
  [/^(57014|55P03)$/, "too-long"],
  [/^(25006|42501|0A000|25001)$/, "not-allowed"],
  // 08P01: a value is missing that the query speaks of.
  [/^(42|22|26|34|08P01)/, "unreadable"],
  [/^(08|28|3D|57P|ECONN|CONN|ENOENT|ENOTFOUND|EHOST|ETIMEDOUT|EAI_)/, "unreachable"],
];

function refusalOf(
  error: unknown,
  { isFull, isEnded }: { isFull: boolean; isEnded: boolean },
): QueryRefused {
  const cause = { cause: error };
  if (isFull) {
    return new QueryRefused("too-large", "The server sent more than an answer may be.", cause);
  }
  const code = codeOf(error) ?? "";
  const problem = problems.find(([pattern]) => pattern.test(code))?.[1] ?? "failed";
  if (isEnded || problem === "too-long") {
    return new QueryRefused("too-long", "The query took too long and was stopped.", cause);
  }
  return new QueryRefused(problem, messageOf(error).slice(0, 1_000), cause);
}
