import { z } from "zod";

/** The first line of a backup. */
export const BackupHeader = z.object({
  format: z.literal("jarvis-backup/1"),
  schemaVersion: z.number().int(),
  createdAt: z.string(),
  /** The newest signed note of the ledger in it, or null. */
  checkpoint: z.string().nullable(),
});
export type BackupHeader = z.infer<typeof BackupHeader>;

/** A line before the rows of a table, and the line after all rows. */
export const BackupSection = z.union([
  z.object({
    table: z.string().regex(/^[a-z_]+$/),
    columns: z.array(z.string().regex(/^[a-z_]+$/)),
  }),
  z.object({ end: z.literal(true), rows: z.number().int() }),
]);
export type BackupSection = z.infer<typeof BackupSection>;

/** What ends the rows of a table, each of which is a line of JSON. */
export const END_OF_ROWS = "\\.";

/**
 * What a backup leaves out: what the schema is, which set-up makes; and who leads, which is of the
 * servers that run now. The workflow engine's tables are another schema: runs go on from the ledger.
 */
export const leftOut: readonly string[] = ["schema_info", "kernel_lease"];
