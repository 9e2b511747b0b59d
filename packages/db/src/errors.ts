import { DrizzleQueryError } from "drizzle-orm/errors";

/** Why the database cannot be used. A closed set: callers decide by it, never by the message. */
export type DatabaseErrorCode =
  | "state-directory-unsafe"
  | "state-directory-locked"
  | "file-lock-failed"
  | "embedded-unsupported"
  | "embedded-server-failed"
  | "cluster-directory-unsafe"
  | "database-url-invalid"
  | "database-unreachable"
  | "database-not-prepared"
  | "migration-failed"
  | "kernel-too-old"
  | "ledger-guard-missing"
  | "restore-refused"
  | "leadership-lost"
  | "stopped-standing-by";

/**
 * The one error class of this package. The message is a sentence for a person and says what to do;
 * `sql` holds what an administrator has to run, where that is the answer.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly code: DatabaseErrorCode;
  readonly sql: string | undefined;

  constructor(
    code: DatabaseErrorCode,
    message: string,
    options: { cause?: unknown; sql?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.sql = options.sql;
  }
}

/**
 * What a failed query means, as a sentence; null for every other error. Its own message repeats the
 * query and its values, and says nothing about the cause.
 */
export function queryFailure(error: unknown): string | null {
  if (!(error instanceof DrizzleQueryError)) return null;
  const [line = ""] = messageOf(error.cause).split("\n");
  return `The database could not answer (${line.slice(0, 300) || (codeOf(error.cause) ?? "no reason given")}).`;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system or PostgreSQL error, where there is one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
