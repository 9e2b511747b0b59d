import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
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
import { z } from "zod";
import type { CliConfig } from "./config.ts";
import { CommandError, exitCodes } from "./outcome.ts";

const COMMAND = "jarvis command";
/** Another command holds the directory for the moment of one switch. */
const COMMAND_MS = 30_000;

const holder = z.object({ pid: z.number().int().positive(), what: z.string() });

export interface LocalState {
  readonly db: JarvisDatabase;
  readonly sql: SqlClient;
  /** A kernel that holds the state directory and does not answer; null where none runs. */
  readonly silentKernel: number | null;
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
  if (config.databaseUrl === undefined && !existsSync(config.stateDir)) {
    throw new CommandError(
      exitCodes.unavailable,
      "no-state",
      `There is no state in ${config.stateDir} yet; start Jarvis with \`pnpm jarvis up\`, or name another with --state-dir.`,
    );
  }
  const directory = openStateDirectory(config.stateDir);
  const { lock, silentKernel } = await takeDirectory(directory);
  try {
    const database = await openDatabase({
      stateDirectory: directory,
      ...(config.databaseUrl === undefined ? {} : { url: config.databaseUrl }),
      ...(config.databaseAdminUrl === undefined ? {} : { adminUrl: config.databaseAdminUrl }),
    });
    try {
      return await work({ db: database.db, sql: database.sql, silentKernel });
    } finally {
      await database.close({ stopServer: lock !== null });
    }
  } finally {
    lock?.release();
  }
}

/**
 * The directory for this command alone, or the process of the kernel that holds it: it may be stopped
 * or wedged, and its database still serves. Another command is waited for, since it stops the server.
 */
async function takeDirectory(
  directory: string,
): Promise<{ lock: StateDirectoryLock | null; silentKernel: number | null }> {
  const deadline = Date.now() + COMMAND_MS;
  for (;;) {
    try {
      const lock = lockStateDirectory(directory, { pid: process.pid, what: COMMAND });
      return { lock, silentKernel: null };
    } catch (error) {
      const isHeld = error instanceof DatabaseError && error.code === "state-directory-locked";
      if (!isHeld) throw error;
      const first = holderOf(directory);
      if (first !== null && first.what !== COMMAND) return { lock: null, silentKernel: first.pid };
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

function holderOf(directory: string): z.infer<typeof holder> | null {
  try {
    return holder.parse(JSON.parse(readFileSync(join(directory, "lock"), "utf8")));
  } catch {
    // It has taken the lock and not written its name yet.
    return null;
  }
}

/** Who a switch was turned by, where no token says it. */
export function person(): string {
  return userInfo().username;
}
