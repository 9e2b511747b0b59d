import { DrizzleQueryError } from "drizzle-orm/errors";
import type { Refusal } from "./proposal.ts";
import { isDiskFull } from "./room.ts";

/** Of postgres.js, of a server that is shutting down, starting or does not take connections, and our own. */
const connectionLost =
  /^(?:CONNECTION_(?:CLOSED|ENDED|DESTROYED)|CONNECT_TIMEOUT|57P0[1-3]|08...|database-unreachable)$/;
const networkLost = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT"]);

/**
 * Why something broke that is nobody's fault and passes by itself: the run waits and is tried again.
 * Null for anything else.
 */
export function passingFailure(error: unknown): Refusal | null {
  if (isDiskFull(error)) {
    const detail = "A disk was full in the middle of it; the run goes on when there is room.";
    return { reason: "disk-low", detail };
  }
  if (isDatabaseAway(error)) {
    const detail = "The database did not answer in the middle of it; the run goes on by itself.";
    return { reason: "database-unreachable", detail };
  }
  for (const { code, message } of causesOf(error)) {
    if (code === "not-sealed") return { reason: "ledger-unsealed", detail: message };
  }
  return null;
}

function isDatabaseAway(error: unknown): boolean {
  // The network's words say nothing of whom they are about: only within a query they are the database's.
  let isWithinQuery = false;
  for (const { code, isQuery } of causesOf(error)) {
    isWithinQuery ||= isQuery;
    if (connectionLost.test(code) || (isWithinQuery && networkLost.has(code))) return true;
  }
  return false;
}

function* causesOf(error: unknown): Generator<{ isQuery: boolean; code: string; message: string }> {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const code = "code" in at && typeof at.code === "string" ? at.code : "";
    // The driver names the query in what it throws; drizzle wraps that, but not of a transaction's `begin`.
    const isOfDriver = "query" in at && "parameters" in at;
    const isQuery = isOfDriver || at instanceof DrizzleQueryError;
    yield { isQuery, code, message: at.message };
  }
}
