import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  databaseDirectory,
  DatabaseError,
  destroyEmbedded,
  lockStateDirectory,
  openStateDirectory,
  restoreDatabase,
  stopEmbedded,
  writeBackup,
} from "@jarvis/db";
import { readTreeHead } from "@jarvis/ledger";
import type { CliConfig } from "../config.ts";
import { withLocalState } from "../local-state.ts";
import { writingTo } from "../named-file.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";

/** One file with everything in the database, of one moment. The kernel may go on working. */
export async function backup(config: CliConfig, file: string): Promise<Answer> {
  const written = await withLocalState(
    config,
    async ({ sql }) => await writingTo(file, async () => await writeBackup(sql, resolve(file))),
  );
  const sealed = written.checkpoint === null ? 0 : readTreeHead(written.checkpoint).size;
  return {
    json: { file, rows: written.rows, tables: written.tables, sealed },
    text: [
      `Wrote ${file}: ${written.rows} rows, ${sealed} events sealed.`,
      `It holds no key: keep a copy of ${join(config.stateDir, "ledger", "key.pem")} apart from it.`,
      ...(existsSync(join(config.stateDir, "forge"))
        ? [`Nor the local forge, where changes landed: keep ${join(config.stateDir, "forge")} too.`]
        : []),
    ].join("\n"),
  };
}

/** Fills an empty database. The kernel has to be stopped; afterwards promotion is paused, the mode observe. */
export async function restore(config: CliConfig, file: string, reason: string): Promise<Answer> {
  if (!existsSync(file)) {
    throw new CommandError(
      exitCodes.unreadable,
      "invalid-argument",
      `There is no file ${file}; give what \`jarvis backup\` wrote.`,
    );
  }
  const directory = openStateDirectory(config.stateDir);
  const lock = lockStateDirectory(directory, { pid: process.pid, what: "jarvis restore" });
  const isNew = config.databaseUrl === undefined && databaseDirectory(directory) === null;
  try {
    const { rows, checkpoint } = await restoreDatabase(
      {
        stateDirectory: directory,
        ...(config.databaseUrl === undefined ? {} : { url: config.databaseUrl }),
        ...(config.databaseAdminUrl === undefined ? {} : { adminUrl: config.databaseAdminUrl }),
      },
      file,
      `restored from a backup: ${reason}`,
    );
    const sealed = checkpoint === null ? 0 : readTreeHead(checkpoint).size;
    return {
      json: { rows, sealed },
      text: [
        `Restored ${rows} rows, ${sealed} events sealed. Promotion is paused and the mode is observe.`,
        existsSync(join(directory, "ledger", "key.pem"))
          ? "Next: jarvis up"
          : `The ledger's key is not here: copy it to ${join(directory, "ledger", "key.pem")} (mode 0600), then jarvis up`,
      ].join("\n"),
    };
  } catch (error) {
    // Only what was made for it: a start would find a Jarvis without a past there.
    if (isNew) await destroyEmbedded(directory);
    if (!(error instanceof DatabaseError) || error.code !== "restore-refused") throw error;
    throw new CommandError(exitCodes.refused, error.code, error.message, { cause: error });
  } finally {
    if (config.databaseUrl === undefined) await stopEmbedded(directory);
    lock.release();
  }
}
