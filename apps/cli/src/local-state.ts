import { existsSync } from "node:fs";
import {
  DatabaseError,
  lockStateDirectory,
  openDatabase,
  openStateDirectory,
  type JarvisDatabase,
  type StateDirectoryLock,
} from "@jarvis/db";
import type { CliConfig } from "./config.ts";
import { CommandError, exitCodes } from "./outcome.ts";

/**
 * Works on the database itself, for commands that must work when the kernel does not answer. An
 * embedded server that nobody else uses is started for the command and stopped after it; one that a
 * silent kernel holds is used and left running.
 */
export async function withLocalState<T>(
  config: CliConfig,
  work: (db: JarvisDatabase) => Promise<T>,
): Promise<T> {
  if (config.databaseUrl === undefined && !existsSync(config.stateDir)) {
    throw new CommandError(
      exitCodes.unavailable,
      "no-state",
      `There is no state in ${config.stateDir} yet; start Jarvis with \`pnpm jarvis up\`, or name another with --state-dir.`,
    );
  }
  const directory = openStateDirectory(config.stateDir);
  const lock = tryLock(directory);
  try {
    const database = await openDatabase({
      stateDirectory: directory,
      ...(config.databaseUrl === undefined ? {} : { url: config.databaseUrl }),
      ...(config.databaseAdminUrl === undefined ? {} : { adminUrl: config.databaseAdminUrl }),
    });
    try {
      return await work(database.db);
    } finally {
      await database.close({ stopServer: lock !== null });
    }
  } finally {
    lock?.release();
  }
}

/** Null where a kernel holds the directory: it may be stopped or wedged, and its database still serves. */
function tryLock(directory: string): StateDirectoryLock | null {
  try {
    return lockStateDirectory(directory, { pid: process.pid, what: "jarvis command" });
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "state-directory-locked") return null;
    throw error;
  }
}
