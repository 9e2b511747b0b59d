import { z } from "zod";
import type { SqlClient } from "./connection.ts";
import { codeOf, DatabaseError } from "./errors.ts";

/** The schema this code was written for: what its newest migration writes to `schema_info`. */
export const KERNEL_SCHEMA = 11;

const SchemaInfoRow = z.object({
  schemaVersion: z.number().int(),
  minKernelSchema: z.number().int(),
  prepared: z.string(),
});

export type SchemaFacts = z.infer<typeof SchemaInfoRow>;

/** What the database says about its schema; null when it was never migrated. */
export async function readSchemaFacts(client: SqlClient): Promise<SchemaFacts | null> {
  try {
    const rows = await client`
      select schema_version as "schemaVersion", min_kernel_schema as "minKernelSchema", prepared
      from public.schema_info`;
    return rows[0] === undefined ? null : SchemaInfoRow.parse(rows[0]);
  } catch (error) {
    const undefinedTable = "42P01";
    if (codeOf(error) === undefinedTable) return null;
    throw error;
  }
}

/**
 * Refuses a database whose schema left this kernel behind. A newer schema alone is no reason:
 * migrations expand, and the previous release has to run on what the next one migrated.
 * @throws DatabaseError `kernel-too-old`
 */
export function requireKernelSchema(
  facts: Pick<SchemaFacts, "schemaVersion" | "minKernelSchema">,
  kernelSchema: number = KERNEL_SCHEMA,
): void {
  if (kernelSchema >= facts.minKernelSchema) return;
  throw new DatabaseError(
    "kernel-too-old",
    `This release knows database schema ${kernelSchema}, but the database is at ${facts.schemaVersion} and needs at least ${facts.minKernelSchema}: start a newer release.`,
  );
}
