import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import {
  connectForLease,
  DatabaseError,
  endLeases,
  openDatabase,
  readLease,
  releaseLease,
  takeLease,
  type DatabaseHandle,
  type KernelLease,
  type LeaseHolder,
  type SqlClient,
} from "@jarvis/db";
import type { KernelConfig } from "../../config.ts";
import { directoryId } from "./directory-id.ts";
import { Leadership } from "./leadership.ts";

/** A kernel that waits for its turn: what it can look at meanwhile. */
export interface Waiting {
  readonly database: DatabaseHandle;
  /** Who leads, as far as is known; null where nobody does just now. */
  readonly leader: () => LeaseHolder | null;
  /** Says where this kernel answers, for when it leads. */
  readonly answersAt: (url: string) => void;
}

export interface Lead {
  /** Every session of it belongs to this leadership. */
  readonly database: DatabaseHandle;
  /** Null where the database is this kernel's own: the lock on the state directory is the lease. */
  readonly leadership: Leadership | null;
  /** Whether the kernel that led before worked with another state directory. */
  readonly isTakenOver: boolean;
  /** What was used while this kernel stood by: to be closed when nothing asks it any more. */
  readonly waitedWith: DatabaseHandle | null;
}

export interface LeadParts {
  readonly config: KernelConfig;
  /** Locked by this process. */
  readonly stateDirectory: string;
  /** Told once where this kernel has to wait. */
  readonly onWaiting: (waiting: Waiting) => Promise<void>;
  readonly onProblem: (error: unknown) => void;
  readonly onLost: (error: Error) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/**
 * Opens the database as the kernel that leads on it. On one that others share that may take as long
 * as another one leads.
 * @throws DatabaseError `stopped-standing-by` where the waiting was ended
 */
export async function takeLead(parts: LeadParts): Promise<Lead> {
  const { databaseUrl, databaseAdminUrl, stateDir } = parts.config;
  const open = async (epoch?: number): Promise<DatabaseHandle> =>
    await openDatabase({
      stateDirectory: stateDir,
      url: databaseUrl,
      adminUrl: databaseAdminUrl,
      epoch,
    });
  const database = await open();
  if (databaseUrl === undefined) {
    await endLeases(database.sql);
    return { database, leadership: null, isTakenOver: false, waitedWith: null };
  }
  const { lease, leadership, hasWaited } = await waitForLead(parts, databaseUrl, database).catch(
    async (error: unknown) => {
      await database.close();
      throw error;
    },
  );
  const leading = await open(lease.epoch).catch(async (error: unknown) => {
    await leadership.release();
    await database.close();
    throw error;
  });
  if (!hasWaited) await database.close();
  const isTakenOver =
    lease.previous !== null && lease.previous.directoryId !== lease.holder.directoryId;
  return { database: leading, leadership, isTakenOver, waitedWith: hasWaited ? database : null };
}

async function waitForLead(
  parts: LeadParts,
  databaseUrl: string,
  database: DatabaseHandle,
): Promise<{ lease: KernelLease; leadership: Leadership; hasWaited: boolean }> {
  const { config, stateDirectory, signal } = parts;
  const ttlMs = config.leaseMs;
  let me: LeaseHolder = {
    host: hostname(),
    pid: process.pid,
    directoryId: directoryId(stateDirectory),
    url: null,
  };
  let leader: LeaseHolder | null = null;
  let isWaiting = false;
  let sql: SqlClient = connectForLease(databaseUrl);
  /** A database that is cut off never answers: then another connection has to. */
  const ask = async <T>(question: (client: SqlClient) => Promise<T>): Promise<T> => {
    const client = sql;
    const late = sleep(ttlMs, "late" as const);
    const asked = question(client);
    const answer = await Promise.race([asked, late]);
    if (answer !== "late") return answer;
    asked.catch(() => undefined);
    sql = connectForLease(databaseUrl);
    await client.end({ timeout: 0 });
    throw new DatabaseError("database-unreachable", "The database does not answer.");
  };
  for (;;) {
    if (signal.aborted) {
      await sql.end({ timeout: 1 });
      throw new DatabaseError("stopped-standing-by", "The kernel was stopped while it stood by.");
    }
    try {
      const askedAt = performance.now();
      const lease = await ask(async (client) => {
        const current = await readLease(client);
        leader = current === null || current.isFree ? null : current.holder;
        // Our own of before: who locked this directory then is dead.
        if (leader?.directoryId === me.directoryId && current !== null) {
          await releaseLease(client, current.epoch);
        }
        return await takeLease(client, me, ttlMs);
      });
      if (lease !== null) {
        const { onLost } = parts;
        const { epoch } = lease;
        const leadership = new Leadership({ sql, epoch, holder: me, ttlMs, askedAt, onLost });
        return { lease, leadership, hasWaited: isWaiting };
      }
    } catch (error) {
      // Whoever cannot reach the database at its start is told so; who stands by waits for it.
      if (!isWaiting) {
        await sql.end({ timeout: 0 });
        throw error;
      }
      parts.onProblem(error);
    }
    if (!isWaiting) {
      isWaiting = true;
      await parts.onWaiting({
        database,
        leader: () => leader,
        answersAt: (url) => (me = { ...me, url }),
      });
    }
    await sleep(Math.min(1000, ttlMs / 4), undefined, { signal }).catch(() => undefined);
  }
}
