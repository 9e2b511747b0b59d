import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DatabaseError,
  lockStateDirectory,
  openDatabase,
  openStateDirectory,
  type JarvisDatabase,
  type SqlClient,
  type StateDirectoryLock,
} from "@jarvis/db";
import type { CliConfig } from "./config.ts";
import { CommandError, exitCodes } from "./outcome.ts";
import { COMMAND, KERNEL, readStateHolder } from "./state-holder.ts";

/** Whoever holds the directory and is no kernel is waited for so long. */
const OTHERS_MS = 30_000;

export interface LocalState {
  readonly db: JarvisDatabase;
  readonly sql: SqlClient;
  /** A kernel that holds the state directory and does not answer; null where none runs. */
  readonly silentKernel: number | null;
}

/** The state directory of a command, before the database is asked. */
export interface HeldDirectory {
  readonly silentKernel: number | null;
  /** Opens the database for the work, and closes it after it. */
  readonly withDatabase: <T>(work: (state: LocalState) => Promise<T>) => Promise<T>;
}

/**
 * Works on the database itself, for commands that must work when the kernel does not answer. An
 * embedded server that nobody else uses is started for the command and stopped after it; one that a
 * silent kernel holds is used and left running.
 */
export async function withLocalState<T>(
  config: CliConfig,
  work: (state: LocalState) => Promise<T>,
): Promise<T> {
  return await inStateDirectory(config, async (held) => await held.withDatabase(work));
}

/** The same for what has something to do even where the database cannot be opened. */
export async function inStateDirectory<T>(
  config: CliConfig,
  work: (held: HeldDirectory) => Promise<T>,
): Promise<T> {
  if (config.databaseUrl === undefined && !existsSync(config.stateDir)) {
    throw new CommandError(
      exitCodes.unavailable,
      "no-state",
      `There is no state in ${config.stateDir} yet; start Jarvis with \`jarvis up\`, or name another with --state-dir.`,
    );
  }
  const directory = openStateDirectory(config.stateDir);
  const { lock, silentKernel } = await takeDirectory(directory);
  try {
    return await work({
      silentKernel,
      async withDatabase(ask) {
        const database = await openDatabase({
          stateDirectory: directory,
          ...(config.databaseUrl === undefined ? {} : { url: config.databaseUrl }),
          ...(config.databaseAdminUrl === undefined ? {} : { adminUrl: config.databaseAdminUrl }),
        });
        try {
          return await ask({ db: database.db, sql: database.sql, silentKernel });
        } finally {
          await database.close({ stopServer: lock !== null });
        }
      },
    });
  } finally {
    lock?.release();
  }
}

/**
 * The directory for this command alone, or the process of the kernel that holds it: it may be stopped
 * or wedged, and its database still serves. Anybody else is waited for: another command stops the
 * server, and a restore fills the database.
 */
async function takeDirectory(
  directory: string,
): Promise<{ lock: StateDirectoryLock | null; silentKernel: number | null }> {
  const deadline = Date.now() + OTHERS_MS;
  for (;;) {
    try {
      const lock = lockStateDirectory(directory, { pid: process.pid, what: COMMAND });
      return { lock, silentKernel: null };
    } catch (error) {
      const isHeld = error instanceof DatabaseError && error.code === "state-directory-locked";
      if (!isHeld) throw error;
      const first = readStateHolder(directory);
      if (first?.what === KERNEL) return { lock: null, silentKernel: first.pid };
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

/** Who a switch was turned by, where no token says it. */
export function person(): string {
  return userInfo().username;
}
