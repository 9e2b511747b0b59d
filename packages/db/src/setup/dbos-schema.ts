import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { z } from "zod";
import { roles } from "./roles.ts";

/**
 * Creates or migrates the schema of the workflow engine and opens it to the runtime role, which
 * may not create it itself. Launch DBOS with `runMigrations: false` afterwards.
 *
 * The engine's own entry point prints every statement on standard output, which belongs to the
 * command that opened the database; the function behind it takes a logger.
 */
export async function migrateDbos(url: string): Promise<void> {
  // Loaded here: half a second that opening a current database does not need.
  const { migrateSystemDatabase } = await import("@dbos-inc/dbos-sdk/internal/system_database");
  const { GlobalLogger } = await import("@dbos-inc/dbos-sdk/internal/telemetry/logs");
  const logger = { info() {}, debug() {}, warn() {}, error() {} };
  await migrateSystemDatabase(url, new GlobalLogger(undefined, { logger }), "dbos", roles.runtime);
}

export function dbosVersion(): string {
  const require = createRequire(import.meta.url);
  const entry = require.resolve("@dbos-inc/dbos-sdk");
  const manifest: unknown = require(join(dirname(entry), "../../package.json"));
  return z.object({ version: z.string() }).parse(manifest).version;
}
