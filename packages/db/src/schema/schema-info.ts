import { sql } from "drizzle-orm";
import { boolean, check, integer, pgTable, text } from "drizzle-orm/pg-core";

/**
 * One row about the schema itself.
 *
 * A kernel compares its own version with `minKernelSchema` only: migrations expand, so an older
 * kernel runs on a newer schema until a migration says that it may not. `prepared` names what the
 * last set-up applied, so that opening a current database needs no administrator.
 */
export const schemaInfo = pgTable(
  "schema_info",
  {
    onlyRow: boolean("only_row").primaryKey().default(true),
    schemaVersion: integer("schema_version").notNull(),
    minKernelSchema: integer("min_kernel_schema").notNull(),
    prepared: text().notNull().default(""),
  },
  () => [check("schema_info_only_row", sql.raw(`only_row`))],
);
