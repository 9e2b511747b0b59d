import { startEmbedded } from "../embedded/supervisor.ts";
import { openDatabase } from "../open-database.ts";
import type { OpenDatabaseOptions } from "../open-database.ts";
import { restoreBackup } from "./restore-backup.ts";

/**
 * Sets a database up where that is needed and fills it from a backup; see `restoreBackup`. The same
 * file goes into a server of our own and into an operator's.
 */
export async function restoreDatabase(
  options: OpenDatabaseOptions,
  file: string,
  reason: string,
): Promise<{ rows: number; checkpoint: string | null }> {
  const handle = await openDatabase(options);
  try {
    const migratorUrl =
      options.url === undefined
        ? (await startEmbedded(options.stateDirectory)).urls.migratorUrl
        : (options.adminUrl ?? options.url);
    return await restoreBackup(migratorUrl, file, reason);
  } finally {
    await handle.close();
  }
}
